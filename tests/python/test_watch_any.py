# SPDX-License-Identifier: Apache-2.0
"""The doctor beside optimizers of PyTorch's own and of others: it sees what the library sees."""

import pytest
import ravine

torch = pytest.importorskip("torch")
rt = pytest.importorskip("ravine.torch")
from watch_cases import RULES, batches, mlp, train

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


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
