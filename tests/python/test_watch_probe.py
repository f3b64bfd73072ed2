# SPDX-License-Identifier: Apache-2.0
"""doctor.probe() and doctor.try_cures(), against formulas and against PyTorch itself."""

import copy
import io
import math
import random

import numpy as np
import pytest
import ravine

torch = pytest.importorskip("torch")
rt = pytest.importorskip("ravine.torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


SPECTRUM = [5.0, 2.0, 1.0, 0.25, -0.5]


def rotation(n=5, seed=3):
    random = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=random))[0]


class Quadratic(nn.Module):
    """1/2 w' H w + w' x, H of a known spectrum; a batch x with a mean of 0 is noise."""

    def __init__(self, spectrum=SPECTRUM, dtype=torch.float64):
        super().__init__()
        turn = rotation(len(spectrum))
        h = turn @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ turn.T
        self.register_buffer("h", h.to(dtype))
        self.w = nn.Parameter(torch.linspace(0.5, 1.5, len(spectrum)).to(dtype))

    def forward(self, x):
        return 0.5 * self.w @ self.h @ self.w + self.w @ x.to(self.w.dtype)


def loss_of_batch(model, x):
    return model(x)


def noisy(count=12, deviation=0.0, n=5):
    """Batches of which the first has no noise."""
    random = torch.Generator().manual_seed(7)
    noise = deviation * torch.randn(count, n, dtype=torch.float64, generator=random)
    noise[0] = 0
    return list(noise)


def watched(model, optimizer, batches=(), **options):
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None, **options)
    for x in batches:
        optimizer.zero_grad()
        loss = loss_of_batch(model, x)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    return doctor


# ---- the numbers are true


def test_both_ends_of_a_known_spectrum_and_the_critical_rate():
    model = Quadratic()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    probe = watched(model, optimizer).probe(loss_of_batch, noisy())
    assert probe.lambda_max == pytest.approx(5, rel=1e-9)
    assert probe.lambda_min == pytest.approx(-0.5, rel=1e-9)
    assert probe.sharpness == pytest.approx(5, rel=1e-9) and probe.limit == 2
    w, h = model.w.detach(), model.h
    g = h @ w
    assert probe.loss == pytest.approx(float(0.5 * w @ g))
    assert probe.grad_norm == pytest.approx(float(g.norm()))
    # Along -lr g the loss is g'w - lr g'g + lr^2/2 g'Hg above: it rises from 2 g'g / g'Hg on.
    assert probe.critical_lr == pytest.approx(float(2 * (g @ g) / (g @ h @ g)), rel=1e-3)


@pytest.mark.parametrize("module", [torch.optim, rt])
def test_sharpness_is_under_the_sigma_of_the_next_step(module):
    spectrum = [5.0, 2.0, 1.0, 0.25, 0.1]
    model = Quadratic(spectrum)
    optimizer = module.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.99), weight_decay=0.0)
    doctor = watched(model, optimizer, noisy(20, 0.5))
    probe = doctor.probe(loss_of_batch, noisy())
    g = model.h @ model.w.detach()
    v = 0.99 * optimizer.state[model.w]["exp_avg_sq"] + 0.01 * g * g
    sigma = (v / (1 - 0.99**21)).sqrt() + 1e-8
    seen = torch.linalg.eigvalsh(model.h / torch.outer(sigma.sqrt(), sigma.sqrt()))
    assert probe.sharpness == pytest.approx(float(seen[-1]), rel=1e-6)
    assert probe.lr == 0.01 and probe.step == 20
    assert probe.limit == pytest.approx(2 * 1.9 / 0.1)


def test_noise_is_that_of_the_batches():
    model = Quadratic()
    batches = noisy(200, 3.0)
    probe = watched(model, torch.optim.SGD(model.parameters(), lr=0.1)).probe(
        loss_of_batch, batches, gradients=110
    )
    # One fixed batch, eight others; a gradient is h w + x.
    others = torch.stack(batches[1:9])
    trace = float(others.var(0, unbiased=True).sum())
    mean = model.h @ model.w.detach() + others.mean(0)
    signal = float(mean @ mean) - trace / 8
    assert probe.noise_trace == pytest.approx(trace)
    assert probe.signal == pytest.approx(signal)
    assert probe.noise_scale == pytest.approx(trace / signal if signal > 0 else math.inf)
    # 8 batches of variance 9 in 5 dimensions: the estimate has 7 x 5 degrees of freedom.
    assert 45 * (1 - 4 * math.sqrt(2 / 35)) < trace < 45 * (1 + 4 * math.sqrt(2 / 35))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sixteen_bits_are_enough_for_a_curvature(dtype):
    model = Quadratic(dtype=dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    probe = watched(model, optimizer).probe(loss_of_batch, noisy())
    within = 1e-5 if dtype is torch.float32 else 2e-2  # of the products' own rounding
    assert probe.lambda_max == pytest.approx(5, rel=within)
    assert probe.lambda_min == pytest.approx(-0.5, rel=10 * within)


class Once(torch.autograd.Function):
    """x^2 / 2, which cannot be differentiated twice."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x / 2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


@pytest.mark.parametrize("power", [1, 2])
def test_what_cannot_be_differentiated_twice_is_differentiated_by_differences(power):
    """To the power 1 PyTorch says nothing, and gives a Hessian of zeros."""
    model = Quadratic([1.0])
    doctor = watched(model, torch.optim.SGD(model.parameters(), lr=0.1))
    with torch.no_grad():
        model.w.fill_(2.0)
    probe = doctor.probe(lambda model, x: Once.apply(model.w).sum() ** power, noisy(n=1))
    truth = 1 if power == 1 else 3 * 2.0**2  # x^4 / 4
    assert probe.lambda_max == pytest.approx(truth, rel=1e-6)


def test_attention_and_recurrent_layers_have_products():
    torch.manual_seed(0)
    model = nn.ModuleList([nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.GRU(8, 8)])

    def loss(model, x):
        return model[1](model[0](x))[0].square().mean()

    doctor = watched(model, torch.optim.Adam(model.parameters(), lr=1e-3))
    probe = doctor.probe(loss, [torch.randn(4, 5, 8) for _ in range(4)])
    assert probe.gradients > 80 and probe.lambda_max > 0  # 1 + 80 by products


def test_a_dropout_keeps_its_mask():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 64), nn.Dropout(0.5), nn.Tanh(), nn.Linear(64, 1))

    def where(model):
        return float(model[0].weight.detach().double().sum())

    seen = {}  # losses by where the parameters are

    def loss(model, x):
        value = model(x).square().mean()
        seen.setdefault(where(model), set()).add(float(value.detach()))
        return value

    doctor = watched(model, torch.optim.SGD(model.parameters(), lr=0.01))
    doctor.probe(loss, [torch.randn(32, 8)], gradients=110)
    assert len(seen[where(model)]) == 1


@pytest.mark.parametrize("in_place", [True, False])
def test_buffers_of_the_copy_begin_anew_for_every_loss(in_place):
    """As of a spectral norm, whose loss depends on how often it was asked."""

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(1, dtype=torch.float64))
            self.register_buffer("calls", torch.ones((), dtype=torch.float64))

        def forward(self, x):
            loss = 0.5 * self.calls * self.w.square().sum()
            if in_place:
                self.calls += 1
            else:
                self.calls = self.calls + 1
            return loss

    model = Counting()
    for _ in range(2):
        model(None)
    doctor = watched(model, torch.optim.SGD(model.parameters(), lr=0.1))
    probe = doctor.probe(loss_of_batch, noisy(n=1))
    assert probe.loss == 1.5 and probe.lambda_max == pytest.approx(3)
    assert float(model.calls) == 3


def test_the_diagnosis_counts_with_the_probe():
    model = Quadratic()
    with torch.no_grad():
        model.w.copy_(1e-3 * rotation()[:, 0])  # hardly any slope along the negative direction
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = watched(model, optimizer, noisy(40))
    assert doctor.diagnosis.verdict != "saddle"
    doctor.probe(loss_of_batch, noisy())
    found = doctor.diagnosis
    assert found.verdict == "saddle"
    assert any("smallest curvature found: -0.5" in reason for reason in found.reasons)


def test_an_optimizer_that_the_library_does_not_know_has_no_critical_rate():
    model = Quadratic()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1)
    doctor = watched(model, optimizer)
    probe = doctor.probe(loss_of_batch, noisy())
    assert probe.lambda_max == pytest.approx(5) and probe.lambda_min == pytest.approx(-0.5)
    assert all(math.isnan(x) for x in (probe.lr, probe.limit, probe.sharpness, probe.critical_lr))
    doctor.diagnosis  # noqa: B018 - it can be made


# ---- cures


def run_on(model, optimizer, batches, steps, fixed, clip_norm=None):
    """The loss that a trial judges by, by PyTorch alone."""
    model, copies = copy.deepcopy(model), {}
    twin = copy.deepcopy(optimizer)
    for group, old in zip(twin.param_groups, optimizer.param_groups, strict=True):
        names = {id(p): q for p, q in zip(group["params"], model.parameters(), strict=True)}
        copies |= names
        group["params"] = list(model.parameters())
        assert len(group["params"]) == len(old["params"])
    twin.state = {copies[id(p)]: s for p, s in twin.state.items()}
    judged = []
    for k in range(steps):
        twin.zero_grad()
        model(batches[fixed + k % (len(batches) - fixed)]).backward()
        if clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        twin.step()
        if k >= steps - 8:
            with torch.no_grad():
                judged.append(sum(float(model(x)) for x in batches[:fixed]) / fixed)
    return sum(judged) / len(judged)


def bouncing(optimizer_of, **options):
    """A ravine that is jumped over from wall to wall: its steep direction has lr h = 2."""
    model = Quadratic([20.0, 0.2, 0.1, 0.1, 0.1])
    optimizer = optimizer_of(model.parameters())
    return model, optimizer, watched(model, optimizer, noisy(300, 1e-4), **options)


@pytest.mark.parametrize("module", [torch.optim, rt])
def test_losses_of_a_trial_are_those_of_pytorch_itself(module):
    model, optimizer, doctor = bouncing(lambda p: module.SGD(p, lr=0.1))
    batches = noisy(12, 1e-3)
    found = doctor.try_cures(loss_of_batch, batches, steps=40)
    assert found.verdict == "bouncing" and found.tried_steps == 40
    plain = torch.optim.SGD(model.parameters(), lr=0.1)
    unchanged = run_on(model, plain, batches, 40, 4)
    assert found.unchanged_loss == pytest.approx(unchanged, rel=1e-9)
    first = found.cures[0]
    assert lib_word(first) == "lower_lr" and first.tried and first.new_value < 0.1
    plain = torch.optim.SGD(model.parameters(), lr=first.new_value)
    assert found.cure_losses[0] == pytest.approx(run_on(model, plain, batches, 40, 4), rel=1e-9)
    assert first.loss_ratio == pytest.approx(found.cure_losses[0] / unchanged)
    tried = [c.loss_ratio for c in found.cures if c.tried and c.loss_ratio < 0.98]
    assert tried == sorted(tried)


def lib_word(cure):
    return ravine.lib.ravine_cure_word(cure.kind).decode()


def test_a_trial_goes_on_with_the_state():
    """Momentum and clipping are those of the training: its next steps are the unchanged run."""
    model, optimizer, doctor = bouncing(
        lambda p: torch.optim.SGD(p, lr=0.19, momentum=0.9), clip_norm=0.5
    )
    batches = noisy(12, 1e-3)
    found = doctor.try_cures(loss_of_batch, batches, steps=30)
    if not found.tried_steps:
        pytest.fail(f"nothing was tried: {found}")
    unchanged = run_on(model, optimizer, batches, 30, 4, clip_norm=0.5)
    assert found.unchanged_loss == pytest.approx(unchanged, rel=1e-4)  # PyTorch adds 1e-6 to norms


def test_where_there_is_nothing_to_try_nothing_is_computed():
    model = Quadratic()
    doctor = watched(model, torch.optim.SGD(model.parameters(), lr=0.1))
    asked = []
    found = doctor.try_cures(lambda *given: asked.append(given), noisy())
    assert not asked and not found.tried_steps and math.isnan(found.unchanged_loss)


def test_several_groups_are_tried_with_their_own_rates():
    model = nn.ModuleList([Quadratic([20.0, 0.1]), Quadratic([2.0, 0.1])])
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[1].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.5)

    def loss(model, x):
        return model[0](x) + model[1](x)

    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
    for x in noisy(300, 1e-4, 2):
        optimizer.zero_grad()
        value = loss(model, x)
        doctor.tell(value)
        value.backward()
        optimizer.step()
    found = doctor.try_cures(loss, noisy(12, 1e-4, 2), steps=20)
    assert found.cures[0].tried and found.cures[0].loss_ratio < 0.98
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.5]


# ---- nothing of the training changes


def everything_of(model, optimizer):
    """All bits that a training depends on."""
    file = io.BytesIO()
    tensors = [*model.parameters(), *model.buffers()]
    grads = [p.grad for p in model.parameters()]
    state = optimizer.state_dict()
    modes = [m.training for m in model.modules()]
    needs = [p.requires_grad for p in model.parameters()]
    generators = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    torch.save([tensors, grads, state, modes, needs, *generators], file)
    return file.getvalue(), [(id(t), t._version) for t in tensors]


def classes(rows=64):
    random = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 8, generator=random)
    return torch.utils.data.TensorDataset(x, x[:, :3].argmax(1))


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3)
    )


def cross_entropy(model, batch):
    random.random(), np.random.rand()  # noqa: B018 - as augmentation does
    return F.cross_entropy(model(batch[0]), batch[1])


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=5.0, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1.0),
    "fused": lambda p: torch.optim.Adam(p, lr=1.0, fused=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=5.0),
    "ours": lambda p: rt.AdamW(p, lr=1.0, clip_norm=1.0),
    "own": lambda p: rt.Lion(p, lr=0.3),
}


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_bit_of_the_training_changes(name, mode):
    def train(looked):
        random.seed(0), np.random.seed(0)
        model = net()
        optimizer = OPTIMIZERS[name](model.parameters())
        doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
        own = torch.Generator().manual_seed(5)
        loader = torch.utils.data.DataLoader(classes(), 8, shuffle=True, generator=own)
        tried = 0
        for epoch in range(6):
            for batch in loader:
                optimizer.zero_grad()
                loss = cross_entropy(model, batch)
                doctor.tell(loss)
                loss.backward()
                optimizer.step()
            if looked and epoch in (3, 4):
                model.train(mode)
                before, drawn = everything_of(model, optimizer), own.get_state()
                doctor.probe(cross_entropy, loader, gradients=60)
                tried += doctor.try_cures(cross_entropy, loader, steps=5).tried_steps
                assert everything_of(model, optimizer) == before
                assert torch.equal(own.get_state(), drawn)
                model.train()
        return everything_of(model, optimizer)[0], tried

    (plain, _), (looked, tried) = train(False), train(True)
    assert plain == looked
    assert tried or name in ("own", "adagrad")


def test_gradients_that_are_being_accumulated_stay():
    model = Quadratic()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = watched(model, optimizer, noisy(3))
    model(torch.ones(5)).backward()
    loss = model(torch.ones(5))  # a graph that is still to be used
    before = model.w.grad.clone()
    doctor.probe(loss_of_batch, noisy())
    assert torch.equal(model.w.grad, before)
    loss.backward()


def test_it_looks_wherever_it_is_called():
    model = Quadratic()
    doctor = watched(model, torch.optim.SGD(model.parameters(), lr=0.1))
    batches = noisy()
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            assert doctor.probe(loss_of_batch, batches).lambda_max == pytest.approx(5)


def test_compiled_models_frozen_and_tied_parameters():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 6)
            self.last.weight = self.first.weight
            self.last.bias.requires_grad_(False)

        def forward(self, x):
            return self.last(torch.tanh(self.first(x)))

    torch.manual_seed(0)
    net = Net()
    model = torch.compile(net, backend="eager")
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    doctor = ravine.watch(optimizer, model)
    x = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
    probe = doctor.probe(lambda model, x: model(x).square().mean(), [x])
    assert probe.elements == 42  # the tied weight once, the frozen bias not

    def of(w, b):
        hidden = torch.tanh(x.double() @ w.T + b)
        return (hidden @ w.T + net.last.bias.detach().double()).square().mean()

    at = (net.first.weight.detach().double(), net.first.bias.detach().double())
    blocks = torch.autograd.functional.hessian(of, at)
    rows = [
        torch.cat([b.reshape(a.numel(), -1) for b in row], 1)
        for a, row in zip(at, blocks, strict=True)
    ]
    truth = torch.linalg.eigvalsh(torch.cat(rows))
    assert probe.lambda_max == pytest.approx(float(truth[-1]), rel=1e-4)


# ---- what is told, and what is refused


def test_how_far_it_is():
    model = Quadratic()
    doctor = watched(model, torch.optim.Adam(model.parameters(), lr=0.1))
    told = []
    doctor.probe(loss_of_batch, noisy(), progress=lambda *numbers: told.append(numbers))
    made, expected = zip(*told, strict=True)
    assert list(made) == list(range(made[0], made[-1] + 1)) and expected[0] == 109
    assert 0.4 * expected[0] < made[-1] <= expected[-1]


def test_the_fewer_gradients_the_coarser_it_looks():
    from ravine.torch._problem import PLANS, plan_for

    costs = [plan.cost for plan in PLANS]
    assert costs == sorted(costs, reverse=True)
    for plan in PLANS:
        assert plan_for(plan.cost, 100, 10) == plan
    assert plan_for(10_000, 3, 10).fixed == 1
    with pytest.raises(ravine.RangeError, match=f"gradients is 5; .* at least {costs[-1]}"):
        plan_for(5, 100, 10)
    with pytest.raises(ravine.OutOfMemoryError, match="1,000,000,000,000,000 parameters takes"):
        plan_for(1000, 100, 10**15)


def test_gradients_that_are_computed_are_no_more_than_allowed():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    doctor = watched(model, torch.optim.Adam(model.parameters(), lr=1e-3))
    calls = []

    def loss(model, x):
        calls.append(1)
        return model(x).square().mean()

    for most in (50, 120, 250, 500):
        calls.clear()
        doctor.probe(loss, [torch.randn(16, 8) for _ in range(12)], gradients=most)
        assert 0.2 * most < len(calls) <= most


@pytest.mark.parametrize(
    "loss, error, words",
    [
        (lambda m, x: 1.0, ravine.ArgumentError, "returned float; it must be a tensor of one"),
        (lambda m, x: m.w, ravine.ArgumentError, r"returned \[5\]; it must be a tensor of one"),
        (lambda m, x: torch.ones(()), ravine.ArgumentError, "must use the model that it is given"),
        (lambda m, x: OTHER(x), ravine.ArgumentError, "must use the model that it is given"),
        (lambda m, x: m(x) * math.nan, ravine.StateError, "the loss of the first batch is nan"),
        (lambda m, x: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_a_loss_that_is_none_is_refused_by_what_it_is(loss, error, words):
    model = Quadratic()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = watched(model, optimizer)
    before = everything_of(model, optimizer)
    with pytest.raises(error, match=words):
        doctor.probe(loss, noisy())
    assert everything_of(model, optimizer) == before


OTHER = Quadratic()


def test_what_fails_or_is_interrupted_on_the_way_goes_on_from_there():
    model = Quadratic()
    doctor = watched(model, torch.optim.SGD(model.parameters(), lr=0.1))
    calls = []

    def interrupted(model, x):
        calls.append(1)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return model(x)

    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        doctor.probe(interrupted, noisy())
    assert len(calls) == 20 and torch.equal(torch.get_rng_state(), state)


def test_what_is_missing_is_named():
    model = Quadratic()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ravine.ArgumentError, match=r"no model .* ravine.watch\(optimizer, model\)"):
        ravine.watch(optimizer).probe(loss_of_batch, noisy())
    doctor = watched(model, optimizer)
    loader = torch.utils.data.DataLoader(classes(), 8, num_workers=1, persistent_workers=True)
    for batches, words in (
        (iter(noisy()), "is a list_iterator, which a look would use up"),
        ([], "batches is empty"),
        (loader, "persistent_workers=True"),
    ):
        with pytest.raises(ravine.ArgumentError, match=words):
            doctor.probe(loss_of_batch, batches)
    model.memory = model.w * 2  # no leaf: PyTorch does not copy it
    with pytest.raises(ravine.ArgumentError, match="the model cannot be copied: Only Tensors"):
        doctor.probe(loss_of_batch, noisy())


def test_cures_are_not_tried_with_steps_that_are_not_the_optimizers():
    model, optimizer, doctor = bouncing(lambda p: torch.optim.SGD(p, lr=0.1))
    with pytest.raises(ravine.RangeError, match="steps of a trial are 0"):
        doctor.try_cures(loss_of_batch, noisy(), steps=0)
    doctor._watched = torch.optim.LBFGS(model.parameters())
    with pytest.raises(ravine.UnsupportedError, match="LBFGS: cures are tried by steps of the lib"):
        doctor.try_cures(loss_of_batch, noisy())
