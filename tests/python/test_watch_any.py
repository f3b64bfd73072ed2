# SPDX-License-Identifier: Apache-2.0
"""The doctor beside optimizers of PyTorch's own and of others."""

import copy
import io
import math
import warnings

import pytest
import ravine

torch = pytest.importorskip("torch")
rt = pytest.importorskip("ravine.torch")
nn, F = torch.nn, torch.nn.functional


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


RULES = {
    "SGD": {"lr": 0.05, "momentum": 0.9},
    "Adam": {"lr": 1e-2, "weight_decay": 0.1},
    "AdamW": {"lr": 1e-2},
    "NAdam": {"lr": 1e-2},
    "RAdam": {"lr": 1e-2},
    "Adamax": {"lr": 1e-2},
    "Adagrad": {"lr": 1e-2},
    "RMSprop": {"lr": 1e-2},
    "Adadelta": {},
    "Rprop": {},
    "ASGD": {"lr": 1e-2},
}


def mlp(inputs=8, width=16, classes=3, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, classes))


def batches(steps, inputs=8, classes=3, size=32, seed=1):
    random = torch.Generator().manual_seed(seed)
    truth = torch.randn(inputs, classes, generator=random)
    for _ in range(steps):
        x = torch.randn(size, inputs, generator=random)
        yield x, (x @ truth).argmax(1)


def train(model, optimizer, doctor=None, steps=40, **data):
    for x, y in batches(steps, **data):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if doctor:
            doctor.tell(loss)
        loss.backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def same_bits(a, b):
    return all(
        torch.equal(x.view(torch.uint8), y.view(torch.uint8)) for x, y in zip(a, b, strict=True)
    )


# ---- it changes nothing


@pytest.mark.parametrize("rule", [*RULES, "LBFGS"])
def test_no_bit_of_the_training_changes(rule):
    def run(watched):
        model = mlp()
        optimizer = getattr(torch.optim, rule)(model.parameters(), **RULES.get(rule, {"lr": 0.1}))
        doctor = ravine.watch(optimizer, model) if watched else None
        for x, y in batches(20):

            def closure(x=x, y=y):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                return loss

            optimizer.step(closure)
        assert not watched or doctor._observed == 20
        return [p.detach() for p in model.parameters()], torch.get_rng_state()

    (plain, before), (watched, after) = run(False), run(True)
    assert same_bits(plain, watched) and torch.equal(before, after)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_no_bit_changes_in_any_floating_type(dtype):
    def run(watched):
        model = mlp().to(dtype)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        doctor = ravine.watch(optimizer, model) if watched else None
        for x, y in batches(40):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x.to(dtype)), y)
            if doctor:
                doctor.tell(loss)
            loss.backward()
            optimizer.step()
        assert not watched or doctor._observed == 40
        return [p.detach() for p in model.parameters()]

    assert same_bits(run(False), run(True))


def test_it_goes_without_a_trace():
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters())
    before = {k: copy.copy(v) for k, v in optimizer.__dict__.items() if "hooks" in k}
    hooks = len(model._forward_pre_hooks)
    doctor = ravine.watch(optimizer, model)
    train(model, optimizer, doctor, 3)
    doctor.detach()
    assert {k: v for k, v in optimizer.__dict__.items() if "hooks" in k} == before
    assert len(model._forward_pre_hooks) == hooks
    train(model, optimizer, doctor, 3)  # tell() is harmless
    assert doctor._observed == 3
    assert any("it was detached" in line for line in doctor.diagnosis.cannot_tell)


def test_what_fails_in_it_is_warned_of_once_and_the_training_goes_on():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    doctor._source.observe = lambda *_: 1 / 0
    with pytest.warns(RuntimeWarning, match="looks no more, it failed: ZeroDivisionError") as seen:
        watched = train(model, optimizer, doctor)
    assert len(seen) == 1
    model = mlp()
    assert same_bits(watched, train(model, torch.optim.SGD(model.parameters(), lr=0.1)))


def test_it_does_not_even_raise_where_warnings_are_errors():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    doctor._source.before = lambda *_: 1 / 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, optimizer, doctor, 3)


def test_a_copy_of_the_optimizer_is_not_watched():
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    doctor = ravine.watch(optimizer, model)
    train(model, copy.deepcopy(optimizer), steps=2)
    assert doctor._steps == 0


def test_a_model_that_is_copied_or_pickled_is_watched_but_its_copy_is_not():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    averaged = torch.optim.swa_utils.AveragedModel(model)  # it copies
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (averaged, copy.deepcopy(model), loaded):
        other(torch.ones(2, 8))
    assert doctor._shown.inputs.calls == 0
    train(model, optimizer, doctor, 3)
    assert doctor._shown.inputs.calls == doctor._observed == 3


# ---- it sees what the library sees


@pytest.mark.parametrize("rule", RULES)
def test_the_numbers_are_those_of_the_library_itself(rule):
    """The same training by PyTorch and by the library, which measures its steps by itself."""
    found = []
    for module in (torch.optim, rt):
        model = mlp()
        optimizer = getattr(module, rule)(model.parameters(), **RULES[rule])
        doctor = ravine.watch(optimizer, model, window=64)
        train(model, optimizer, doctor, 200)
        found.append(doctor.diagnose())
    theirs, ours = found
    assert theirs.verdict == ours.verdict and theirs.step == ours.step == 200
    assert theirs.evidence.keys() == ours.evidence.keys()
    for name, value in ours.evidence.items():
        assert theirs.evidence[name] == pytest.approx(value, rel=2e-2, abs=1e-3), name


def test_large_parameters_are_sampled_and_small_ones_are_not():
    from ravine.torch._samples import WANTED, spread

    assert spread([100, 4096, 10]) == [1, 1, 1]
    every = spread([10_000_000, 1000, 10_000_000])
    assert every[1] == 1 and every[0] == every[2] > 64
    assert 2 * 10_000_000 // every[0] + 1000 <= 1.1 * WANTED


def test_norms_of_sampled_parameters_are_about_those_of_the_whole():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(60, 1000))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    doctor = ravine.watch(optimizer)
    weight.grad = torch.randn(60, 1000)
    exact = float(weight.grad.norm())
    doctor.tell(1.0)
    optimizer.step()
    row = doctor._source._samples._rows[0]
    assert row["len"] < row["elements"] == 60_000
    assert row["grad_norm"] == pytest.approx(exact, rel=1e-5)


def test_channels_last_and_transposed_weights_are_read_in_their_order():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(64, 32, 8, 8).to(memory_format=torch.channels_last))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    doctor = ravine.watch(optimizer)
    weight.grad = torch.ones(64, 32, 8, 8)  # of another layout than the weight
    before = weight.detach().clone()
    doctor.tell(1.0)
    optimizer.step()
    samples = doctor._source._samples
    every = samples._places[0].every
    assert every > 1
    expected = before.reshape(-1).view(-1, every, 128)[:, 0].flatten().double()
    assert torch.equal(torch.from_numpy(samples.before(0)), expected)
    weight.grad = weight.grad.clone()
    doctor.tell(1.0)
    optimizer.step()
    assert torch.allclose(torch.from_numpy(samples.before(0)), expected - 0.5)
    assert (samples.gradient(0) == 1).all()


def test_sparse_gradients_are_read():
    torch.manual_seed(0)
    model = nn.EmbeddingBag(20, 3, sparse=True)
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=1e-2)
    doctor = ravine.watch(optimizer, model)
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.randint(0, 10, (8, 2))), torch.randint(0, 3, (8,)))
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    assert doctor._observed == 20
    gradient = doctor._source._samples.gradient(0).reshape(20, 3)
    assert gradient[:10].any() and not gradient[10:].any()


def test_parameters_that_have_a_gradient_now_and_then():
    model = nn.ModuleList([mlp(seed=0), mlp(seed=1)])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, amsgrad=True)
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
    for k, (x, y) in enumerate(batches(60)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model[k // 2 % 2](x), y)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    samples = doctor._source._samples
    assert doctor._observed == 60 and samples.parts == 8
    assert [int(n) for n in samples._rows["steps"]] == [30] * 8
    assert doctor.facts["unreached_share"] == 0


def test_parameters_of_many_kinds():
    shared = nn.Parameter(torch.randn(4, 4))
    params = [
        shared,
        nn.Parameter(torch.randn(3, dtype=torch.complex64)),
        nn.Parameter(torch.zeros(0)),
        nn.Parameter(torch.tensor(1.0)),
        nn.Parameter(torch.randn(5, dtype=torch.float64)),
        nn.Parameter(torch.randn(5, dtype=torch.bfloat16)),
        nn.Parameter(torch.randn(6, 4).t()),
    ]
    optimizer = torch.optim.SGD(params, lr=0.1, momentum=0.9)
    doctor = ravine.watch(optimizer)
    for _ in range(20):
        for p in params:
            p.grad = p.detach().clone()
        doctor.tell(1.0)
        optimizer.step()
    samples = doctor._source._samples
    assert doctor._observed == 20 and samples.parts == 5  # without the complex and the empty one
    for i, p in enumerate(samples.params):
        rows = p.grad.double().flatten().numpy()
        assert (samples.gradient(i) == rows).all() and (samples.before(i) == rows).all()


def test_parameters_that_change_their_shape_or_memory():
    weight = nn.Parameter(torch.ones(100_000))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    doctor = ravine.watch(optimizer)
    for k in range(30):
        if k == 10:
            weight.data = torch.ones(7)
        if k == 20:
            weight.data = torch.full((7,), 2.0)
        weight.grad = torch.ones_like(weight)
        doctor.tell(1.0)
        optimizer.step()
    assert doctor._observed == 30
    assert doctor._source._samples.before(0) == pytest.approx(2 - 0.1 * 9)


def test_a_derived_class_has_the_settings_of_its_base():
    class Mine(torch.optim.Adam):
        pass

    model = mlp()
    optimizer = Mine(model.parameters(), lr=0.125, betas=(0.75, 0.5), amsgrad=True)
    doctor = ravine.watch(optimizer)
    train(model, optimizer, doctor, 3)
    config = doctor._source._known.config()
    assert (config.lr, config.beta1, config.beta2, config.amsgrad) == (0.125, 0.75, 0.5, 1)


def test_an_optimizer_whose_step_calls_that_of_another_is_one_optimizer():
    class Outer(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    model = mlp()
    optimizer = Outer(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    train(model, optimizer, doctor, 20)
    assert doctor._steps == doctor._observed == 20


def test_a_step_that_raises_does_no_harm():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    train(model, optimizer, doctor, 20)
    assert doctor._observed == 20


def test_tensors_of_other_devices_come_with_one_transfer_of_each_type():
    from ravine.torch._samples import _brought

    sources = [torch.randn(2, 3), torch.randn(4).double(), torch.randn(3, 2).t(), torch.tensor(1.0)]
    brought = _brought(sources)
    assert all(torch.equal(a, b) for a, b in zip(sources, brought, strict=True))
    assert brought[0].untyped_storage().data_ptr() == brought[3].untyped_storage().data_ptr()


def test_parameters_are_called_by_their_names():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert ravine.watch(optimizer, model)
    doctor = ravine.watch(optimizer)
    train(model, optimizer, doctor, 2)
    assert [n.decode() for n in doctor._source._samples.names] == [
        f"group 0[{k}]" for k in range(4)
    ]
    doctor = ravine.watch(optimizer, model)
    train(model, optimizer, doctor, 2)
    assert doctor._source._samples.names[3] == b"2.bias"


def test_an_optimizer_of_somebody_else():
    class Mine(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad

    model = mlp()
    doctor = ravine.watch(Mine(model.parameters()), model)
    train(model, doctor._watched, doctor, 300)
    assert doctor.diagnosis.verdict == "healthy"
    with pytest.raises(ravine.ArgumentError, match="list is no torch.optim.Optimizer"):
        ravine.watch([1])


# ---- loops


def test_losses_of_an_accumulated_step_are_averaged():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    data = list(batches(64))
    for k, (x, y) in enumerate(data):
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        (loss / 4).backward()
        if k % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    assert doctor._observed == 16 and doctor.diagnosis.step == 16


@pytest.mark.parametrize("fused", [False, True])
def test_steps_that_a_scaler_skips_are_no_steps(fused):
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    for k, (x, y) in enumerate(batches(40)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        scaler.scale(loss).backward()
        if k == 5:
            model[0].weight.grad[0, 0] = math.inf
        scaler.step(optimizer)
        scaler.update()
    assert doctor._observed == 39 and not told
    samples = doctor._source._samples
    assert max(abs(samples.gradient(i)).max() for i in range(4)) < 10  # not times the scale


def test_two_optimizers_of_one_model_have_its_parameters_between_them():
    model = mlp()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.Adam(model[2].parameters(), lr=1e-2)
    told = []
    doctors = [ravine.watch(o, model, on_verdict=told.append) for o in (first, second)]
    for x, y in batches(40):
        first.zero_grad(), second.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        for doctor in doctors:
            doctor.tell(loss)
        first.step(), second.step()
    assert not told and [d._observed for d in doctors] == [40, 40]


def test_what_an_unwatched_optimizer_moves_is_not_left_out():
    model = mlp()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.SGD(model[2].parameters(), lr=0.1)
    told = []
    doctor = ravine.watch(first, model, on_verdict=told.append)
    for x, y in batches(20):
        first.zero_grad(), second.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        loss.backward()
        first.step(), second.step()
    assert not told


def test_a_group_that_is_added():
    model = mlp()
    optimizer = torch.optim.Adam(model[2].parameters(), lr=1e-2)
    doctor = ravine.watch(optimizer, window=64)
    train(model, optimizer, doctor, 20)
    optimizer.add_param_group({"params": list(model[0].parameters())})
    train(model, optimizer, doctor, 20)
    assert doctor._source._samples.parts == 4 and doctor.diagnosis.step == 40


def test_a_second_watch_takes_the_place_of_the_first():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    first = ravine.watch(optimizer, model)
    second = ravine.watch(optimizer, model)
    train(model, optimizer, second, 3)
    assert second._observed == 3 and first._steps == 0
    assert any("another watch()" in line for line in first.diagnosis.cannot_tell)


def test_losses_that_are_told_in_a_closure_stand():
    """As Lightning does it: batches before the last are told, and the closure returns a part."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    seen = []
    doctor._source.observe = lambda pointer, loss: seen.append(loss)
    data, told = list(batches(8)), []
    for k, (x, y) in enumerate(data):

        def closure(x=x, y=y):
            loss = F.cross_entropy(model(x), y) / 2
            doctor.tell(loss, times=2)
            told.append(2 * loss.item())
            loss.backward()
            return loss

        if k % 2 == 0:
            closure()
        else:
            optimizer.step(closure)
            optimizer.zero_grad()
    assert seen == pytest.approx([(a + b) / 2 for a, b in zip(told[::2], told[1::2], strict=True)])


def test_of_a_closure_that_is_called_again_and_again_the_first_loss_counts():
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    doctor = ravine.watch(optimizer, model)
    seen, told = [], []
    doctor._source.observe = lambda pointer, loss: seen.append(loss)
    for x, y in batches(3):

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            doctor.tell(loss)
            told[-1].append(loss.item())
            loss.backward()
            return loss

        told.append([])
        optimizer.step(closure)
    assert seen == [calls[0] for calls in told] and len(told[0]) > 1


def test_an_optimizer_in_the_wrapper_of_a_framework():
    class Wrapper(torch.optim.Optimizer):
        def __init__(self, optimizer):  # as Accelerate's: it has no hooks of its own
            self.optimizer = optimizer

        def step(self, closure=None):
            self.optimizer.step(closure)

        def zero_grad(self):
            self.optimizer.zero_grad()

    model = mlp()
    inner = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(Wrapper(Wrapper(inner)), model)
    train(model, Wrapper(Wrapper(inner)), doctor, 5)
    assert doctor._watched is inner and doctor._observed == 5


def test_a_compiled_model_is_watched_as_the_one_that_was_compiled():
    def run(compiled, watched):
        net = mlp()
        model = torch.compile(net, backend="eager") if compiled else net
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        doctor = ravine.watch(optimizer, model) if watched else None
        return train(model, optimizer, doctor), doctor

    (plain, _), (bits, doctor), (_, other) = run(True, False), run(True, True), run(False, True)
    assert same_bits(plain, bits) and doctor._observed == 40
    names = [name.decode() for name in doctor._source._samples.names]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert doctor.diagnosis.facts == other.diagnosis.facts
    assert doctor.diagnosis.evidence == other.diagnosis.evidence


# ---- what is said, and when


def test_a_forgotten_tell_is_said_with_its_line():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    train(model, optimizer, steps=40)
    assert [(d.verdict, doctor._steps) for d in told] == [("unclear", 40)]
    assert any("doctor.tell(loss)" in line for line in told[0].cannot_tell)


def test_steps_of_which_no_loss_was_told_are_counted():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    for k in range(10):
        train(model, optimizer, doctor if k == 0 else None, 1)
    lines = doctor.diagnosis.cannot_tell
    assert "9 of 10 steps: no loss was told; doctor.tell(loss) in each" in lines


def test_before_any_step_nothing_is_healthy():
    model = mlp()
    found = ravine.watch(torch.optim.SGD(model.parameters(), lr=0.1), model).diagnosis
    assert found.verdict == "unclear"
    assert any("no step was made since ravine.watch" in line for line in found.cannot_tell)


def losses_before_a_step(numbers):
    """What is warned of when so many batches come before each step."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    doctor = ravine.watch(optimizer, model)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for number in numbers:
            for _ in range(number):
                doctor.tell(1.0)
            optimizer.step()
    return [str(w.message) for w in told if w.category is RuntimeWarning]


def test_losses_without_a_step_are_told_of_once():
    (text,) = losses_before_a_step([1, 1, 400])
    assert "256 losses and no step since" in text


def test_many_batches_a_step_are_no_reason_to_speak():
    assert losses_before_a_step([200, 700, 200]) == []


def steps_until_told(model, optimizer, spoil, steps=40, watched=None):
    told = []
    doctor = ravine.watch(
        optimizer, watched, on_verdict=lambda d: told.append((d.verdict, doctor._steps))
    )
    for k, (x, y) in enumerate(batches(steps)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss = spoil(k, loss, optimizer)
        doctor.tell(loss)
        optimizer.step()
    return told


def test_a_loss_that_is_not_finite_is_said_at_that_step():
    def spoil(k, loss, optimizer):
        loss = loss * (math.nan if k == 6 else 1)
        loss.backward()
        return loss

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert steps_until_told(model, optimizer, spoil)[0] == ("nonfinite", 7)


def test_no_gradient_anywhere_is_said_at_the_first_step():
    def spoil(k, loss, optimizer):
        loss.backward()
        optimizer.zero_grad()
        return loss

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert steps_until_told(model, optimizer, spoil) == [("not_connected", 1)]


def test_parameters_that_no_optimizer_has_are_said_at_the_second_step():
    def spoil(k, loss, optimizer):
        loss.backward()
        return loss

    model = mlp()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    assert steps_until_told(model, optimizer, spoil, watched=model)[0] == ("not_connected", 2)


def test_a_healthy_run_is_told_of_by_nobody_and_is_healthy():
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    train(model, optimizer, doctor, 600)
    assert not told and doctor.diagnosis.verdict == "healthy"


@pytest.mark.parametrize("kept", [torch.bfloat16, torch.float32])
def test_steps_below_the_last_bit_of_the_parameters_are_lost(kept):
    """8 bits hold nothing of a step of 1e-4 upon parameters of 0.1 and more; 24 bits do."""
    model = mlp().to(kept)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    doctor = ravine.watch(optimizer, model, on_verdict=lambda diagnosis: None)
    for x, y in batches(300):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x.to(kept)).float(), y)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    assert (doctor.diagnosis.verdict == "update_lost") == (kept is torch.bfloat16)
    share = doctor.diagnosis.evidence.get("underflow_share", 0)
    assert share > 0.8 if kept is torch.bfloat16 else share < 0.1


def test_parameters_of_two_layers_are_no_weight_and_bias():
    """Sizes of neighbouring embeddings fit, as in BERT; their gradients tell no signal."""

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.words, self.places, self.kinds = (nn.Embedding(n, 16) for n in (30, 12, 2))
            self.norm = nn.LayerNorm(16)
            self.head = nn.Linear(16, 2)
            for table in (self.words, self.places, self.kinds):
                nn.init.normal_(table.weight, std=0.02)

        def forward(self, x):
            kinds = self.kinds(torch.zeros_like(x))
            x = self.words(x) + self.places(torch.arange(x.shape[1])) + kinds
            return self.head(self.norm(x).mean(1))

    model = Words()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    random = torch.Generator().manual_seed(1)
    for _ in range(64):
        x = torch.randint(30, (32, 12), generator=random)
        loss = F.cross_entropy(model(x), (x[:, 0] > 14).long())
        doctor.tell(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = doctor.diagnosis
    assert "exploding" not in {d.verdict for d in told} | {found.verdict} | set(found.also)


def test_norms_of_somebody_else_hold_signals_too():
    """As in LLaMA: the first norm divides small embeddings by their size, which is no explosion."""

    class TheirRMSNorm(nn.Module):
        def forward(self, x):
            return x * x.square().mean(-1, keepdim=True).rsqrt()

    torch.manual_seed(0)
    words = nn.Embedding(30, 16)
    nn.init.normal_(words.weight, std=0.02)
    layers = [nn.Linear(16, 16, bias=False) for _ in range(6)]
    model = nn.Sequential(words, *(nn.Sequential(TheirRMSNorm(), layer) for layer in layers))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    random = torch.Generator().manual_seed(1)
    for _ in range(20):
        x = torch.randint(30, (32, 4), generator=random)
        loss = F.cross_entropy(model(x).flatten(0, 1), (x // 2).flatten())
        doctor.tell(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert doctor.facts["norms_untrained"] == 0
    assert "exploding" not in {d.verdict for d in told} | {doctor.diagnosis.verdict}


def test_a_callback_may_end_the_training():
    def stop(diagnosis):
        raise KeyboardInterrupt

    model = mlp()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer, ravine.watch(optimizer, model, on_verdict=stop))


def test_a_loss_of_several_numbers_is_refused():
    doctor = ravine.watch(torch.optim.SGD(mlp().parameters(), lr=0.1))
    with pytest.raises(ravine.ArgumentError, match=r"the loss has shape \[3\]"):
        doctor.tell(torch.zeros(3))


def test_facts_by_name():
    optimizer = torch.optim.SGD(mlp().parameters(), lr=0.1)
    ravine.watch(optimizer, total_steps=1000, clip_norm=1.0).tell_data(torch.tensor([4, 5]))
    with pytest.raises(
        ravine.ArgumentError, match="there is no fact colour; there are total_steps"
    ):
        ravine.watch(optimizer, colour=3)


def test_settings_are_read_at_every_step_however_they_are_changed():
    """A tensor and a list are written into where they lie; a number is replaced."""
    lr = torch.tensor(0.5)
    optimizer = torch.optim.Adam(mlp().parameters(), lr=lr, betas=(0.5, 0.75))
    doctor = ravine.watch(optimizer)
    known = doctor._source._known
    group = optimizer.param_groups[0]
    assert known.config().lr == 0.5 and known.config().beta2 == 0.75
    lr.fill_(0.25)
    assert known.config().lr == 0.25
    group["lr"] = 0.125
    group["betas"] = [0.5, 0.75]
    assert known.config().lr == 0.125
    group["betas"][1] = 0.875
    assert known.config().beta2 == 0.875
    group["betas"] = (0.5, 0.625)
    assert known.config().beta2 == 0.625 and known.config().beta1 == 0.5
    group["weight_decay"] = 0.5
    assert known.config().weight_decay == 0.5
