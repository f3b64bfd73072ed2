# SPDX-License-Identifier: Apache-2.0
"""The doctor beside a training in PyTorch, and beside NumPy arrays."""

import copy

import numpy as np
import pytest
import ravine


def test_numpy_bounce_is_named_with_its_limit():
    # On x^2/2 with curvature 100, gradient descent is stable below lr 2/100; at exactly that it
    # jumps from wall to wall and the loss stays.
    x = np.array([1.0, 1e-3])
    curvature = np.array([100.0, 1.0])
    optimizer = ravine.Optimizer("sgd lr=0.02", {"x": x}, statistics=True)
    doctor = ravine.Doctor(optimizer)
    for _ in range(1500):
        gradient = curvature * x
        loss = 0.5 * float(curvature @ (x * x))
        optimizer.step({"x": gradient}, stats=True)
        doctor.observe(loss)
    found = doctor.diagnose()
    assert found.verdict == "bouncing"
    assert any(
        0 < float(c.optimizer.split("lr=")[1].split()[0]) < 0.02
        for c in found.cures
        if "lr=" in c.optimizer
    )
    assert "BOUNCING" in str(found)


def test_window_out_of_range():
    with pytest.raises(ravine.RangeError, match="window"):
        ravine.Doctor(window=3)


torch = pytest.importorskip("torch")
import ravine.torch as rt


def bounce(optimizer, x, doctor, steps, closure=False):
    curvature = torch.tensor([100.0, 1.0])

    def loss_of():
        optimizer.zero_grad()
        loss = 0.5 * (curvature * x * x).sum()
        loss.backward()
        return loss

    for _ in range(steps):
        if closure:
            optimizer.step(loss_of)
        else:
            doctor.tell(loss_of())
            optimizer.step()


@pytest.mark.parametrize("closure", [False, True])
def test_a_new_verdict_is_told_once(closure):
    x = torch.tensor([1.0, 1e-3], requires_grad=True)
    optimizer = rt.SGD([x], lr=0.02)
    told = []
    doctor = rt.watch(optimizer, window=64, on_verdict=told.append)
    bounce(optimizer, x, doctor, 640, closure)
    assert [d.verdict for d in told] == ["bouncing"]
    assert doctor.diagnose().verdict == "bouncing"


def test_it_is_printed_to_stderr(capsys):
    x = torch.tensor([1.0, 1e-3], requires_grad=True)
    optimizer = rt.SGD([x], lr=0.02)
    bounce(optimizer, x, rt.watch(optimizer, window=64), 640)
    captured = capsys.readouterr()
    assert captured.err.startswith("ravine: Each step undoes the last one: ")
    assert "\nBOUNCING (confidence " in captured.err
    assert captured.out == ""


def test_watching_changes_no_bit_and_no_state():
    ends = []
    for watched in (False, True):
        torch.manual_seed(0)
        x = torch.randn(10000, requires_grad=True)
        optimizer = rt.AdamW([x], lr=1e-2)
        doctor = rt.watch(optimizer) if watched else None
        for _ in range(30):
            x.grad = torch.sin(x.detach())
            if doctor:
                doctor.tell(1.0)
            optimizer.step()
        assert set(optimizer.state[x]) == {"step", "exp_avg", "exp_avg_sq"}
        ends.append(x.detach().clone())
    assert torch.equal(*ends)


def test_watched_in_the_middle_goes_on_with_its_state():
    x = torch.ones(3, requires_grad=True)
    optimizer = rt.Adam([x], lr=1e-2)
    x.grad = torch.ones(3)
    optimizer.step()
    before = optimizer.state[x]["exp_avg"].clone()
    rt.watch(optimizer)
    assert torch.equal(optimizer.state[x]["exp_avg"], before)
    assert float(optimizer.state[x]["step"]) == 1


def test_a_copy_is_not_watched():
    x = torch.ones(3, requires_grad=True)
    optimizer = rt.Adam([x], lr=1e-2)
    rt.watch(optimizer)
    assert copy.deepcopy(optimizer).watcher is None


def test_what_is_not_known_is_said_in_words_of_any_language():
    """A watched optimizer whose gradients are NaN is not told that nobody watched it."""
    x = torch.ones(3, requires_grad=True)
    optimizer = rt.Adam([x], lr=1e-2)
    doctor = rt.watch(optimizer)
    x.grad = torch.full((3,), torch.nan)
    doctor.tell(torch.nan)
    optimizer.step()
    found = doctor.diagnose()
    assert found.verdict == "nonfinite"
    assert "bounces from noise: how often signs change is not known" in found.cannot_tell
    assert "env." not in str(found) and "watched" not in str(found)
