# SPDX-License-Identifier: Apache-2.0
"""A step of ravine.torch: gradients, layouts, hooks, closures, scalers, and what is its own."""

import copy
import inspect
import math
import os
import pickle
import signal
import time

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import ravine
import ravine.torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch_cases import EVERY, PYTORCH, WITH_STEP, give_gradients, of, parameters, run

# ---- gradients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_without_gradients_nothing_happens(name):
    params = parameters([1.0, 2.0], [[3.0]])
    optimizer = of(name, params, lr=0.5)
    for p in params:
        p.grad = None
    optimizer.step()
    assert params[0].tolist() == [1.0, 2.0]
    assert all(float(v.get("step", 0)) == 0 for v in optimizer.state_dict()["state"].values())


@pytest.mark.parametrize("name", WITH_STEP)
def test_a_missing_gradient_skips_the_step_count(name):
    a, b = parameters([1.0], [1.0])
    optimizer = of(name, [a, b])
    run(optimizer, [a, b], 2)
    a.grad = None
    optimizer.step()
    assert (optimizer.state[a]["step"].item(), optimizer.state[b]["step"].item()) == (2, 3)


def test_zero_gradients_leave_parameters_alone():
    for name in PYTORCH:
        params = parameters([1.0, 2.0])
        params[0].grad = torch.zeros(2)
        settings = {"lambd": 0} if name == "ASGD" else {}
        optimizer = of(name, params, **settings)
        optimizer.param_groups[0]["weight_decay"] = 0
        optimizer.step()
        assert params[0].tolist() == [1.0, 2.0], name


def test_a_parameter_that_is_thawed_later():
    a, b = parameters([1.0], [1.0])
    optimizer = of("Adam", [a, b])
    a.grad = torch.ones(1)
    optimizer.step()
    assert b not in optimizer.state
    b.grad = torch.ones(1)
    optimizer.step()
    assert optimizer.state[b]["step"].item() == 1 and optimizer.state[a]["step"].item() == 2
    assert b.item() == pytest.approx(1 - 1e-3)


def test_tied_parameters():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    optimizer = of("SGD", model.parameters(), lr=1.0)
    before = model[0].weight.detach().clone()
    model(torch.ones(1, 3)).sum().backward()
    expected = before - model[0].weight.grad
    optimizer.step()
    assert model[1].weight is model[0].weight and torch.equal(model[0].weight, expected)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", ["channels_last", "transposed", "strided", "gradient", "expanded"])
def test_other_layouts(name, kind):
    """The numbers do not depend on how parameter, gradient or both are laid out."""
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(4, 6, 2, 3, generator=generator)
    plain = values.clone().requires_grad_()
    odd = {
        "channels_last": lambda: values.clone(memory_format=torch.channels_last),
        "transposed": lambda: values.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0),
        "strided": lambda: values.repeat_interleave(2, dim=3)[..., ::2],
        "gradient": lambda: values.clone(),
        "expanded": lambda: values.clone(),
    }[kind]().requires_grad_()
    assert torch.equal(odd, plain)
    ours, reference = of(name, [odd], lr=0.1), of(name, [plain], lr=0.1)
    for _ in range(3):
        grad = torch.randn(values.shape, generator=generator)
        if kind == "expanded":
            grad = grad[:1, :1].expand(values.shape)
        plain.grad = grad.contiguous()
        if kind == "gradient":
            grad = grad.contiguous(memory_format=torch.channels_last)
        odd.grad = grad
        ours.step()
        reference.step()
    assert torch.equal(odd, plain)
    for key, value in reference.state[plain].items():
        assert torch.equal(ours.state[odd][key], value), key
    if kind == "channels_last" and name == "Adam":
        assert ours.state[odd]["exp_avg"].stride() == odd.stride()


def test_new_memory_under_a_parameter():
    (p,), (q,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, reference = of("Adam", [p]), of("Adam", [q])
    for step in range(3):
        p.data = p.data.clone()
        run(ours, [p], 1, step)
        run(reference, [q], 1, step)
    assert torch.equal(p, q)


def test_autograd_sees_that_parameters_were_written():
    (p,) = parameters([1.0, 2.0])
    optimizer = of("SGD", [p])
    loss = p.square().sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_autograd_is_not_told_of_a_step_that_was_left_out():
    (p,) = parameters([1.0, 2.0])
    optimizer = of("SGD", [p], nonfinite="skip")
    loss = p.square().sum()
    loss.backward(retain_graph=True)
    p.grad[0] = torch.nan
    optimizer.step()
    loss.backward(retain_graph=True)
    p.grad = torch.ones(2)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ---- hooks, closures, scalers --------------------------------------------------------------------


def test_hooks_of_a_step():
    (p,) = parameters([1.0])
    optimizer = of("SGD", [p], lr=0.5)
    called = []
    handles = [
        optimizer.register_step_pre_hook(lambda o, a, k: called.append(("before", p.item()))),
        optimizer.register_step_post_hook(lambda o, a, k: called.append(("after", p.item()))),
        register_optimizer_step_post_hook(
            lambda o, a, k: called.append(("everywhere", type(o).__name__))
        ),
    ]
    p.grad = torch.ones(1)
    optimizer.step()
    assert called == [("before", 1.0), ("after", 0.5), ("everywhere", "SGD")]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(called) == 3


def test_addresses_of_any_sequence():
    """They are read from a tuple's own memory, so whatever comes is made one, and counted."""
    params = parameters([1.0], [2.0, 3.0])
    optimizer = of("SGD", params)
    run(optimizer, params, 1)
    read = optimizer._session.data.read
    assert [read(tensors) for tensors in (params, tuple(params), iter(params))] == [2, 2, 2]
    assert read([params[0], None]) == 1
    for tensors in ([], params[:1], [*params, None]):
        with pytest.raises(ValueError, match=f"{len(tensors)} tensors for 2 parameters"):
            read(tensors)


@pytest.mark.parametrize("name", EVERY)
def test_closures(name):
    (p,) = parameters([2.0])
    optimizer = of(name, [p])

    def closure():
        assert torch.is_grad_enabled()
        optimizer.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert optimizer.step() is None


@pytest.mark.parametrize("fused", [None, True])
def test_gradient_scaler(fused):
    """The scaled loss trains as the plain one; a step with an infinite gradient is left out."""
    a, b = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    optimizer, reference = of("Adam", a, fused=fused), of("Adam", b)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=100)
    for step in range(4):
        optimizer.zero_grad()
        loss = a[0].square().sum()
        if step == 2:
            loss = loss * torch.inf
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        if step != 2:
            reference.zero_grad()
            b[0].square().sum().backward()
            reference.step()
    torch.testing.assert_close(a[0], b[0], rtol=1e-7, atol=0)
    assert optimizer.state[a[0]]["step"].item() == 3 and scaler.get_scale() == 512


# ---- what PyTorch's have not ---------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_clipping_in_the_step(name):
    a, b = parameters([1.0, 2.0], [3.0]), parameters([1.0, 2.0], [3.0])
    ours, reference = of(name, a), of(name, b)
    for step in range(3):
        give_gradients(a, step)
        give_gradients(b, step)
        torch.nn.utils.clip_grad_norm_(b, 0.1)
        reference.step()
        ours.step(clip_norm=0.1)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)  # PyTorch's: norm + 1e-6


@pytest.mark.parametrize("name", EVERY)
def test_clipping_by_the_constructor(name):
    """Every step clips, whoever calls it; an argument of step() comes before it."""
    a, b = parameters([1.0, 2.0], [3.0]), parameters([1.0, 2.0], [3.0])
    ours, reference = of(name, a, clip_norm=0.1), of(name, b)
    for step, argument in enumerate([None, None, 0.5, math.inf, None]):
        give_gradients(a, step)
        give_gradients(b, step)
        ours.step(**({} if argument is None else {"clip_norm": argument}))
        reference.step(clip_norm=argument or 0.1)
    assert all(map(torch.equal, a, b))
    assert ours.clip_norm == 0.1
    ours.clip_norm = None
    run(ours, a, 1, first=5)
    run(reference, b, 1, first=5)
    assert all(map(torch.equal, a, b))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("clip_norm", [0.0, -1.0, math.nan])
def test_bounds_of_clipping(name, clip_norm):
    with pytest.raises(ravine.RangeError, match=f"clip_norm is {clip_norm:g}; it must be"):
        of(name, parameters([1.0]), clip_norm=clip_norm)


def test_clipping_is_no_state():
    """It belongs to the program, as nonfinite does: copies have it, state dicts do not."""
    params = parameters([1.0, 2.0])
    optimizer = of("AdamW", params, clip_norm=0.1)
    run(optimizer, params, 1)
    assert copy.deepcopy(optimizer).clip_norm == 0.1
    assert pickle.loads(pickle.dumps(optimizer)).clip_norm == 0.1
    theirs = torch.optim.AdamW(parameters([1.0, 2.0]))
    (group,) = optimizer.state_dict()["param_groups"]
    assert group.keys() == theirs.param_groups[0].keys()
    theirs.load_state_dict(optimizer.state_dict())
    again = of("AdamW", parameters([1.0, 2.0]), clip_norm=0.5)
    again.load_state_dict(optimizer.state_dict())
    assert again.clip_norm == 0.5


class Wrapped:
    """As AcceleratedOptimizer: its step() takes a closure and nothing else."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def step(self, closure=None):
        return self.optimizer.step(closure) if closure else self.optimizer.step()


@pytest.mark.parametrize("fused", [None, True])
def test_clipping_under_wrappers_and_scalers(fused):
    """The norm that is clipped is that of the gradients without the scale of the loss."""
    (a,), (b,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, theirs = of("SGD", [a], clip_norm=0.5, fused=fused), torch.optim.SGD([b])
    scalers = [torch.amp.GradScaler("cpu", init_scale=1024.0) for _ in range(2)]
    for _ in range(3):
        for optimizer, p, scaler in ((ours, a, scalers[0]), (theirs, b, scalers[1])):
            optimizer.zero_grad()
            scaler.scale(p.square().sum()).backward()
            if optimizer is theirs:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_([p], 0.5)
            scaler.step(optimizer)
            scaler.update()
    torch.testing.assert_close(a, b)
    for p in (a, b):
        p.grad = torch.tensor([3.0, 4.0])
    Wrapped(ours).step()
    torch.nn.utils.clip_grad_norm_([b], 0.5)
    Wrapped(theirs).step()
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", EVERY)
def test_constructors_show_their_arguments(name):
    shown = inspect.signature(getattr(ravine.torch, name)).parameters
    assert shown["clip_norm"].default is None and shown["nonfinite"].default == "propagate"
    assert shown["clip_norm"].kind is inspect.Parameter.KEYWORD_ONLY


def test_zeroed_gradients():
    for layout in (torch.contiguous_format, torch.channels_last):
        p = torch.ones(2, 3, 2, 2).requires_grad_()
        p.grad = torch.ones(2, 3, 2, 2).contiguous(memory_format=layout)
        of("SGD", [p]).step(zero_grad=True)
        assert torch.equal(p.grad, torch.zeros(2, 3, 2, 2))
        assert p.flatten()[0].item() == pytest.approx(1 - 1e-3)


def test_average_of_the_weights():
    (p,) = parameters([1.0, 2.0], dtype=torch.float64)
    optimizer = of("SGD", [p], lr=0.5)
    average = None
    for step in range(5):
        give_gradients([p], step)
        optimizer.step(ema=0.75)
        new = p.detach().clone()
        average = new if average is None else 0.75 * average + 0.25 * new
    torch.testing.assert_close(optimizer.state[p]["ema"], average)
    assert "ema" in optimizer.state_dict()["state"][0]

    (q,) = parameters([1.0, 2.0])  # begun late: from the weights of that moment
    optimizer = of("Adam", [q])
    run(optimizer, [q], 2)
    start = q.detach().clone()
    give_gradients([q], 2)
    optimizer.step(ema=0.75)
    torch.testing.assert_close(optimizer.state[q]["ema"], 0.75 * start + 0.25 * q.detach())


@pytest.mark.parametrize("wrong", [{"ema": 2.0}, {"ema": -0.5}, {"clip_norm": -1.0}])
def test_an_argument_that_is_refused_is_forgotten(wrong):
    (p,), (q,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, reference = of("Adam", [p]), of("Adam", [q])
    run(ours, [p], 2)
    run(reference, [q], 2)
    before = p.detach().clone()
    with pytest.raises(ravine.RangeError):
        ours.step(**wrong)
    assert torch.equal(p, before)
    run(ours, [p], 2, first=2)
    run(reference, [q], 2, first=2)
    assert torch.equal(p, q) and "ema" not in ours.state[p]


def test_report():
    (p,) = parameters([3.0, 4.0])
    optimizer = of("SGD", [p], lr=1.0)
    p.grad = torch.tensor([3.0, 4.0])
    optimizer.step(stats=True)
    stats = optimizer.stats
    assert (stats.grad_norm, stats.update_norm, stats.param_norm) == (5.0, 5.0, 0.0)
    assert stats.step == 1 and stats.status is ravine.Status.DONE
    optimizer.step()
    assert optimizer.stats is None


@pytest.mark.parametrize(
    "nonfinite, value, steps", [("propagate", None, 1), ("hold", 1.0, 1), ("skip", 1.0, 0)]
)
def test_gradients_that_are_not_finite(nonfinite, value, steps):
    (p,) = parameters([1.0, 1.0])
    optimizer = of("Adam", [p], lr=0.5, nonfinite=nonfinite)
    p.grad = torch.tensor([torch.nan, 1.0])
    optimizer.step(stats=True)
    assert p[0].item() == value if value else p[0].isnan()
    assert p[1].item() == pytest.approx(1.0 if nonfinite == "skip" else 0.5)
    assert optimizer.state[p]["step"].item() == steps
    assert optimizer.stats.nonfinite == (0 if nonfinite == "propagate" else 1)


class Counting:
    """Notes the names of the functions that are looked up in a library."""

    def __init__(self, library):
        self.library, self.names = library, []

    def __getattr__(self, name):
        self.names.append(name)
        return getattr(self.library, name)


def test_a_step_is_one_call(monkeypatch):
    """However many tensors there are, the library is called as often."""
    calls = []
    for count in (1, 50):
        params = [torch.ones(3).requires_grad_() for _ in range(count)]
        optimizer = of("AdamW", params)
        run(optimizer, params, 2)
        counting = Counting(ravine._library.lib._loaded)
        with monkeypatch.context() as patch:
            patch.setattr(ravine.torch._session, "lib", ravine._library.Library(counting))
            optimizer.step()
        calls.append(counting.names)
    assert calls[0] == calls[1] == ["ravine_bind", "ravine_step"]


# ---- threads -------------------------------------------------------------------------------------


def trained(length, steps=3):
    """A parameter after some steps of AdamW on the threads of this moment, and the optimizer."""
    torch.manual_seed(0)
    p = torch.randn(length).requires_grad_()
    optimizer = ravine.torch.AdamW([p], lr=1e-2)
    for _ in range(steps):
        p.grad = torch.randn(length)
        optimizer.step()
    return p, optimizer


@pytest.mark.parametrize("library", [False, True], ids=["PyTorch's", "the library's"])
def test_threads_change_no_bit(monkeypatch, library):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone, _ = trained(300_000)
        if library:
            monkeypatch.setenv("RAVINE_THREADS", "3")
        torch.set_num_threads(3)
        together, optimizer = trained(300_000)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone, together)
    assert hasattr(optimizer._session.handle, "_openmp") is not library


def test_a_forked_child_steps_alone():
    """PyTorch's threads are not in the child; waiting for them would never end."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        p, optimizer = trained(300_000)
    finally:
        torch.set_num_threads(before)
    before_fork = p.detach().numpy().copy()
    child = os.fork()
    if child == 0:
        optimizer.step()
        os._exit(0 if p.detach().numpy()[0] != before_fork[0] else 1)
    deadline = time.monotonic() + 60
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if done == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done == (child, 0)
