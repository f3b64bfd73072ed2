# SPDX-License-Identifier: Apache-2.0
"""The state of ravine.torch: PyTorch's keys, the library's memory; saved, loaded and copied."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import ravine.torch
from torch_cases import EVERY, PYTORCH, SETTINGS, WITH_STEP, of, parameters, run


def flat(optimizer):
    """Everything of a state dict's state, as (parameter, key, tensor)."""
    state = optimizer.state_dict()["state"]
    return [(k, key, torch.as_tensor(v)) for k in state for key, v in state[k].items()]


def assert_same_state(one, two):
    assert [row[:2] for row in flat(one)] == [row[:2] for row in flat(two)]
    for (_, key, a), (_, _, b) in zip(flat(one), flat(two), strict=True):
        assert torch.equal(a, b), key


# ---- the state -----------------------------------------------------------------------------------


def test_state_shows_the_librarys_memory():
    (p,) = parameters([1.0, 2.0])
    optimizer = of("Adam", [p])
    run(optimizer, [p], 1)
    mean = optimizer.state[p]["exp_avg"]
    address, seen = mean.data_ptr(), mean.clone()
    run(optimizer, [p], 1, first=1)
    assert optimizer.state[p]["exp_avg"] is mean and mean.data_ptr() == address
    assert not torch.equal(mean, seen)
    mean.zero_()
    p.grad = torch.zeros(2)
    before = p.detach().clone()
    optimizer.step()
    assert torch.equal(p, before), "no momentum, no gradient: no step"
    del optimizer, p
    assert mean.tolist() == [0.0, 0.0], "a view outlives its optimizer"


@pytest.mark.parametrize("name", WITH_STEP)
def test_step_may_be_written(name):
    a, b = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, reference = of(name, a), of(name, b)
    run(ours, a, 2)
    run(reference, b, 2)
    ours.state[a[0]]["step"].fill_(5)
    for _ in range(2):
        saved = copy.deepcopy(reference.state_dict())
        saved["state"][0]["step"] = torch.tensor(5.0)
        reference.load_state_dict(saved)
    run(ours, a, 1)
    run(reference, b, 1)
    assert torch.equal(a[0], b[0]) and ours.state[a[0]]["step"].item() == 6


def test_state_may_be_replaced():
    """Habits of training scripts: a reset, a tensor exchanged, a parameter exchanged."""
    (p,) = parameters([1.0, 2.0])
    optimizer = of("Adam", [p], lr=0.5)
    run(optimizer, [p], 3)
    optimizer.state[p]["exp_avg"] = torch.zeros(2)
    optimizer.state[p]["exp_avg_sq"] = torch.ones(2)
    p.grad = torch.zeros(2)
    before = p.detach().clone()
    optimizer.step()
    assert torch.equal(p, before)
    assert optimizer.state[p]["step"].item() == 4

    for reset in (lambda: optimizer.state.clear(), lambda: optimizer.state.pop(p)):
        reset()
        fresh = of("Adam", q := [p.detach().clone().requires_grad_()], lr=0.5)
        run(optimizer, [p], 2)
        run(fresh, q, 2)
        assert torch.equal(p, q[0])

    state = optimizer.state.pop(p)  # a parameter grows, and its state with it
    grown = torch.cat([p.detach(), torch.ones(1)]).requires_grad_()
    for key in ("exp_avg", "exp_avg_sq"):
        state[key] = torch.cat([state[key], torch.zeros(1)])
    optimizer.param_groups[0]["params"][0] = grown
    optimizer.state[grown] = state
    grown.grad = torch.ones(3)
    optimizer.step()
    assert optimizer.state[grown]["exp_avg"].shape == (3,)
    assert optimizer.state[grown]["step"].item() == 3
    assert p not in optimizer.state


@pytest.mark.parametrize("name", EVERY)
def test_reading_a_state_that_is_not_there(name):
    a, b = parameters([1.0], [1.0])
    optimizer = of(name, [a, b])
    run(optimizer, [a], 1)
    b.grad = None
    session = optimizer._session
    assert len(optimizer.state[b]) == (2 if name == "Adagrad" else 0)
    optimizer.step()
    assert optimizer._session is session, "reading makes nothing new"


def test_step_has_pytorchs_type():
    (p,) = parameters([1.0])
    optimizer = of("Adam", [p])
    run(optimizer, [p], 1)
    assert optimizer.state[p]["step"].dtype is torch.float32
    try:
        torch.set_default_dtype(torch.float64)
        optimizer = of("Adam", [p])
        run(optimizer, [p], 1)
        assert optimizer.state[p]["step"].dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


# ---- saving, loading, copying --------------------------------------------------------------------


def continued(name, params, copied, optimizer, again):
    """Both go on alike, and apart from each other."""
    assert_same_state(optimizer, again)
    run(optimizer, params, 3, first=5)
    middle = [p.detach().clone() for p in copied]
    assert not any(torch.equal(p, q) for p, q in zip(params, middle, strict=True))
    run(again, copied, 3, first=5)
    for p, q in zip(params, copied, strict=True):
        assert torch.equal(p, q)
    assert_same_state(optimizer, again)


def trained(name, **settings):
    params = parameters([1.0, 2.0], [[3.0, 4.0]])
    optimizer = of(name, params, **settings)
    run(optimizer, params, 5)
    return optimizer, params, [p.detach().clone().requires_grad_() for p in params]


@pytest.mark.parametrize("name", EVERY)
def test_state_dict_round_trip(name):
    optimizer, params, copied = trained(name)
    again = of(name, copied)
    again.load_state_dict(optimizer.state_dict())
    continued(name, params, copied, optimizer, again)


@pytest.mark.parametrize("name", EVERY)
def test_saved_with_weights_only(name):
    optimizer, params, copied = trained(name)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    again = of(name, copied)
    again.load_state_dict(torch.load(file, weights_only=True))
    continued(name, params, copied, optimizer, again)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_copies(name, how):
    optimizer, params, _ = trained(name, nonfinite="hold")
    if how == "deepcopy":
        again = copy.deepcopy(optimizer)
    else:
        again = pickle.loads(pickle.dumps(optimizer))
    assert again.nonfinite == "hold"
    continued(name, params, again.param_groups[0]["params"], optimizer, again)


@pytest.mark.parametrize("name", PYTORCH)
@pytest.mark.parametrize("k", range(3))
def test_state_dicts_of_pytorch(name, k):
    """PyTorch trains, we go on; we train, PyTorch goes on: as if one had done it all."""
    settings = SETTINGS[name][k] if k < len(SETTINGS[name]) else {}
    results = {}
    for first, second in ((torch.optim, torch.optim), (torch.optim, ravine.torch),
                          (ravine.torch, torch.optim)):  # fmt: skip
        params = parameters([1.0, 2.0], [[3.0, 4.0]])
        one = getattr(first, name)(params, **settings)
        run(one, params, 5)
        two = getattr(second, name)(params, **settings)
        two.load_state_dict(copy.deepcopy(one.state_dict()))
        run(two, params, 5, first=5)
        results[first, second] = params
    reference = results.pop((torch.optim, torch.optim))
    for params in results.values():
        torch.testing.assert_close(params, reference)


def test_a_step_that_is_a_number():
    """States of PyTorch before 1.12."""
    optimizer, params, copied = trained("Adam")
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        state["step"] = int(state["step"])
    again = of("Adam", copied)
    again.load_state_dict(saved)
    continued("Adam", params, copied, optimizer, again)


def test_loading_copies():
    optimizer, _, copied = trained("Adam")
    saved = optimizer.state_dict()
    before = saved["state"][0]["exp_avg"].clone()
    again = of("Adam", copied)
    again.load_state_dict(saved)
    run(again, copied, 1)
    assert torch.equal(saved["state"][0]["exp_avg"], before)


def test_state_dict_refers_to_the_state():
    optimizer, params, _ = trained("Adam")
    saved = optimizer.state_dict()["state"][0]
    assert type(saved) is dict
    assert saved["exp_avg"].data_ptr() == optimizer.state[params[0]]["exp_avg"].data_ptr()


def test_a_state_dict_that_does_not_fit_changes_nothing():
    optimizer, params, copied = trained("Adam")
    for spoil, words in [
        (lambda s: s["state"][1].update(exp_avg=torch.zeros(5)), "exp_avg of parameter 1 of g"),
        (lambda s: s["param_groups"].pop(), "different number of parameter groups"),
        (lambda s: s["param_groups"][0]["params"].pop(), "doesn't match the size"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), "lr of group 0 is -1"),
    ]:  # fmt: skip
        saved = copy.deepcopy(optimizer.state_dict())
        spoil(saved)
        with pytest.raises(ValueError, match=words):
            optimizer.load_state_dict(saved)
    again = of("Adam", copied)
    again.load_state_dict(optimizer.state_dict())
    continued("Adam", params, copied, optimizer, again)


def test_state_that_is_not_a_parameters_is_kept():
    optimizer, _, copied = trained("Adam")
    optimizer.state["note"] = {"epoch": 3}
    run(optimizer, optimizer.param_groups[0]["params"], 1)
    again = of("Adam", copied)
    again.load_state_dict(optimizer.state_dict())
    assert again.state["note"] == {"epoch": 3}


def test_hooks_of_state_dicts():
    optimizer, _, copied = trained("Adam")
    called = []
    optimizer.register_state_dict_pre_hook(lambda o: called.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, s: s.update(note=1))
    saved = optimizer.state_dict()
    assert called == ["pre"] and saved["note"] == 1
    again = of("Adam", copied)

    def halve(o, s):
        s["param_groups"][0]["lr"] *= 0.5
        return s

    again.register_load_state_dict_pre_hook(halve)
    again.register_load_state_dict_post_hook(lambda o: called.append("loaded"))
    again.load_state_dict(copy.deepcopy(saved))
    assert again.param_groups[0]["lr"] == 0.5e-3 and called[-1] == "loaded"
