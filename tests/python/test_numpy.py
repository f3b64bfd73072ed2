# SPDX-License-Identifier: Apache-2.0
"""Optimizers of NumPy arrays, against the formulas in NumPy."""

import gc
import math

import numpy as np
import pytest
import ravine

RULES = """sgd adagrad adagrad_mean rmsprop adadelta adam adamw adamax nadam radam asgd rprop lion
signum adabelief yogi adan adopt lamb adafactor""".split()


def gradients(steps, shape, dtype=np.float64):
    random = np.random.default_rng(7)
    return [random.standard_normal(shape).astype(dtype) for _ in range(steps)]


def test_adamw_is_its_formula():
    lr, beta1, beta2, eps, decay = 0.1, 0.8, 0.9, 1e-3, 0.5
    w = np.linspace(-1, 1, 6).reshape(2, 3)
    expected, m, v = w.copy(), np.zeros_like(w), np.zeros_like(w)
    optimizer = ravine.Optimizer(
        f"adamw lr={lr} beta1={beta1} beta2={beta2} eps={eps} weight_decay={decay}", {"w": w}
    )
    for t, g in enumerate(gradients(5, w.shape), start=1):
        assert optimizer.step({"w": g}) is ravine.Status.DONE
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        sigma = np.sqrt(v / (1 - beta2**t)) + eps
        expected = expected * (1 - lr * decay) - lr * m / (1 - beta1**t) / sigma
    np.testing.assert_allclose(w, expected, rtol=1e-13)
    state = optimizer.state("w")
    assert list(state) == ["exp_avg", "exp_avg_sq"]
    np.testing.assert_allclose(state["exp_avg"], m, rtol=1e-13)
    np.testing.assert_allclose(state["exp_avg_sq"], v, rtol=1e-13)
    np.testing.assert_allclose(optimizer.sigma("w"), sigma, rtol=1e-13)
    assert optimizer.step_count("w") == optimizer.steps == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_descends(rule, dtype):
    w = np.full((3, 2), 2, dtype)
    optimizer = ravine.Optimizer(rule, {"w": w})
    for _ in range(50):
        optimizer.step({"w": w.copy()})
    assert np.all(np.abs(w) < 2) and all(
        s.dtype in (dtype, float) for s in optimizer.state("w").values()
    )


def test_groups_and_settings():
    a, b = np.ones(1), np.ones(1)
    optimizer = ravine.Optimizer("sgd lr=0.5", {"a": a})
    group = optimizer.add_group("sgd lr=0.25")
    optimizer.add({"b": b}, group)
    one = {"a": np.ones(1), "b": np.ones(1)}
    optimizer.step(one)
    assert (a[0], b[0]) == (0.5, 0.75)
    optimizer.set("lr", 0.125, group=1)
    assert (optimizer.get("lr", 0), optimizer.get("lr", 1)) == (0.5, 0.125)
    optimizer.set("maximize", True)
    optimizer.step(one)
    assert (a[0], b[0]) == (1.0, 0.875)
    assert list(optimizer.arrays) == ["a", "b"] and optimizer.arrays["a"] is a


def test_schedules_of_settings():
    w = np.zeros(1)
    optimizer = ravine.Optimizer("sgd", {"w": w})
    optimizer.set("lr", "linear(2, from=1, to=3)")
    for lr in (1, 2, 3, 3):
        before = w[0]
        assert optimizer.get("lr") == lr
        optimizer.step({"w": np.ones(1)})
        assert before - w[0] == lr
    optimizer.set("lr", ravine.Schedule(0.5))
    assert optimizer.get("lr") == 0.5
    adam = ravine.Optimizer("adam")
    adam.set("eps_form", "inside")
    assert adam.get("eps_form") == 2
    with pytest.raises(ValueError, match="outside, hat, inside"):
        adam.set("eps_form", "sideways")
    with pytest.raises(ValueError, match="there is no setting lrr"):
        adam.set("lrr", 1)


def test_missing_gradients():
    a, b = np.ones(2), np.ones(2)
    optimizer = ravine.Optimizer("sgd lr=1", {"a": a, "b": b})
    g = np.ones(2)
    optimizer.step({"b": g})
    assert a.tolist() == [1, 1] and b.tolist() == [0, 0]
    g[:] = 2
    optimizer.step()  # the arrays of the step before, with what is in them now
    assert b.tolist() == [-2, -2]
    optimizer.step({"a": g, "b": None})
    assert a.tolist() == [-1, -1] and (optimizer.step_count("a"), optimizer.step_count("b")) == (
        1,
        2,
    )


def test_options():
    w = np.array([3.0, 4.0])
    optimizer = ravine.Optimizer("sgd lr=1", {"w": w}, clip_norm=1.0, zero_grad=True)
    g = np.array([6.0, 8.0])
    stats = optimizer.step({"w": g}, stats=True)
    assert stats.status is ravine.Status.CLIPPED and stats.clip == pytest.approx(0.1)
    assert (stats.grad_norm, stats.update_norm) == (10.0, pytest.approx(1.0))
    assert stats.param_norm == pytest.approx(math.hypot(*w)) and w == pytest.approx([2.4, 3.2])
    assert g.tolist() == [0, 0]
    optimizer.clip_norm, optimizer.grad_scale, optimizer.zero_grad = None, 2.0, False
    assert (optimizer.clip_norm, optimizer.grad_scale) == (None, 2.0)
    g[:] = 2
    optimizer.step()
    assert w == pytest.approx([1.4, 2.2]) and g.tolist() == [2, 2]
    with pytest.raises(ValueError, match="clip_norm is -1"):
        optimizer.clip_norm = -1
    assert optimizer.clip_norm is None
    with pytest.raises(ValueError, match="it must be one of hold, skip, propagate"):
        optimizer.nonfinite = "ignore"


@pytest.mark.parametrize(
    "nonfinite, status, expected",
    [
        ("hold", ravine.Status.HELD, [1, 0]),
        ("skip", ravine.Status.SKIPPED, [1, 1]),
        ("propagate", ravine.Status.DONE, [np.nan, 0]),
    ],
)
def test_gradients_that_are_not_finite(nonfinite, status, expected):
    w = np.ones(2, np.float32)
    optimizer = ravine.Optimizer("sgd lr=1", {"w": w}, nonfinite=nonfinite)
    stats = optimizer.step({"w": np.array([np.nan, 1], np.float32)}, stats=True)
    assert stats.status is status
    np.testing.assert_array_equal(w, expected)
    if nonfinite != "propagate":
        assert (stats.nonfinite, stats.nonfinite_param, stats.nonfinite_index) == (1, 0, 0)


def test_reports_of_parts():
    a, b = np.zeros(1), np.zeros(1)
    optimizer = ravine.Optimizer("sgd lr=1", {"a": a})
    optimizer.add({"b": b}, optimizer.add_group("sgd lr=2"))
    with pytest.raises(RuntimeError, match="made no statistics"):
        optimizer.param_stats("a")
    assert optimizer.step({"a": np.array([3.0]), "b": np.array([4.0])}, stats=True).grad_norm == 5
    assert optimizer.group_stats(1).update_norm == 8 and optimizer.group_stats(1).lr == 2
    assert optimizer.param_stats("a").grad_norm == 3


def test_average_of_the_weights():
    w = np.ones(1)
    optimizer = ravine.Optimizer("sgd lr=1 ema_decay=0.5", {"w": w})
    for expected in (0.0, -0.5, -1.25):  # the first is a copy
        optimizer.step({"w": np.ones(1)})
        assert optimizer.state("w")["ema"].item() == expected


def test_state_shows_the_librarys_memory():
    w = np.ones((2, 3), np.float32)
    optimizer = ravine.Optimizer("adam", {"w": w})
    state = optimizer.state("w")["exp_avg"]
    optimizer.step({"w": np.ones_like(w)})
    assert state.shape == (2, 3) and np.all(state == np.float32(0.1))
    state[:] = 0
    assert not optimizer.state("w")["exp_avg"].any()
    del optimizer
    gc.collect()
    state += 1
    assert np.all(state == 1), "a view outlives its optimizer"


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,)])
def test_odd_shapes(shape):
    w = np.ones(shape)
    optimizer = ravine.Optimizer("nadam", {"w": w})
    optimizer.step({"w": np.ones(shape)})
    assert np.all(w < 1) and optimizer.state("w")["exp_avg"].shape == shape
    assert optimizer.state("w")["mu_product"].shape == ()


def test_arrays_that_are_refused():
    good = np.ones((2, 3))
    for bad in (
        np.ones(3, int),
        np.ones(3, np.float16),
        good.T,
        good[:, ::2],
        np.ones(3, ">f8"),
        [1.0, 2.0],
    ):
        with pytest.raises(NotImplementedError, match="the array of w is"):
            ravine.Optimizer("sgd", {"w": bad})
    frozen = np.ones(2)
    frozen.flags.writeable = False
    with pytest.raises(ravine.UnsupportedError, match="writable"):
        ravine.Optimizer("sgd", {"w": frozen})
    optimizer = ravine.Optimizer("sgd", {"w": good})
    with pytest.raises(ValueError, match="the name w is there twice"):
        optimizer.add({"w": np.ones(1)})
    with pytest.raises(ValueError, match=r"the gradient of w is float64\[6\]"):
        optimizer.step({"w": np.ones(6)})
    with pytest.raises(ValueError, match="there is no parameter v"):
        optimizer.step({"v": np.ones(6)})
    with pytest.raises(NotImplementedError, match="the gradient of w is float32"):
        optimizer.step({"w": np.ones((2, 6), np.float32)[:, ::2]})
    with pytest.raises(ValueError, match="there is no parameter v"):
        optimizer.state("v")
    assert np.all(good == 1)
    optimizer.step({"w": frozen_gradient(good)})
    assert np.all(good < 1)


def unaligned(shape, dtype=np.float64):
    """An array of ones at an odd address."""
    count = int(np.prod(shape))
    memory = np.zeros(count * np.dtype(dtype).itemsize + 1, np.uint8)
    array = memory[1:].view(dtype).reshape(shape)
    array[:] = 1
    return array


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_at_odd_addresses(dtype):
    with pytest.raises(ravine.UnsupportedError, match="the array of w is .*, not aligned; it must"):
        ravine.Optimizer("sgd", {"w": unaligned((2, 3), dtype)})
    w = np.ones((2, 3), dtype)
    optimizer = ravine.Optimizer("sgd", {"w": w})
    with pytest.raises(ravine.UnsupportedError, match="the gradient of w is .*, not aligned"):
        optimizer.step({"w": unaligned((2, 3), dtype)})
    assert np.all(w == 1) and optimizer.steps == 0


def test_messages_say_what_an_array_lacks():
    for array, words in [
        (np.ones((2, 3)).T, "float64, not C-contiguous; it must be"),
        (np.ones(3, ">f8"), ">f8, byte-swapped; it must be"),
        (frozen_gradient(np.ones(2)), "float64, read-only; it must be .* writable array of"),
        (np.ones(3, int), "int64; it must be"),
        ([1.0], "list; it must be"),
    ]:
        with pytest.raises(ravine.UnsupportedError, match=f"the array of w is {words}"):
            ravine.Optimizer("sgd", {"w": array})


def test_gradients_that_cannot_be_zeroed(tmp_path):
    """zero_grad looks at the arrays that are bound already, one of them a file."""
    np.full(2, 3.0).tofile(tmp_path / "gradient")
    mapped = np.memmap(tmp_path / "gradient", np.float64, "r")
    for gradient in (mapped, frozen_gradient(np.ones(2))):
        kept, w = gradient.copy(), np.ones(2)
        optimizer = ravine.Optimizer("sgd lr=1", {"w": w})
        optimizer.step({"w": gradient})
        after = w.copy()
        with pytest.raises(ravine.UnsupportedError, match="the gradient of w is .*read-only"):
            optimizer.zero_grad = True
        assert optimizer.zero_grad is False
        optimizer.step()
        assert np.array_equal(gradient, kept) and np.array_equal(w, 2 * after - 1)
        optimizer.step({})
        optimizer.zero_grad = True
        with pytest.raises(ravine.UnsupportedError, match="the gradient of w is .*read-only"):
            optimizer.step({"w": gradient})
        assert optimizer.steps == 3


def test_a_gradient_that_is_frozen_later():
    w, gradient = np.ones(2), np.ones(2)
    optimizer = ravine.Optimizer("sgd lr=1", {"w": w}, zero_grad=True)
    optimizer.step({"w": gradient})
    gradient[:] = 2
    gradient.flags.writeable = False
    with pytest.raises(ravine.UnsupportedError, match="the gradient of w is .*read-only"):
        optimizer.step()
    assert gradient.tolist() == [2, 2] and w.tolist() == [0, 0]


def frozen_gradient(like):
    gradient = np.ones_like(like)
    gradient.flags.writeable = False  # read only: enough unless it is to be zeroed
    return gradient


def test_the_same_bits_on_any_number_of_threads():
    results = []
    for threads in (1, 3):
        w = np.linspace(-1, 1, 300_000, dtype=np.float32)
        optimizer = ravine.Optimizer("adam", {"w": w}, threads=threads)
        for g in gradients(3, w.shape, np.float32):
            optimizer.step({"w": g})
        results.append(w)
    assert np.array_equal(*results)


def test_memory():
    optimizer = ravine.Optimizer("adam", threads=1)
    before = optimizer.memory_bytes
    optimizer.add({"w": np.ones(100_000)})
    assert optimizer.memory_bytes - before == pytest.approx(1_600_000, rel=0.01)


def test_a_checkpoint_goes_on_with_the_same_bits(tmp_path):
    path, grads = tmp_path / "half.safetensors", gradients(10, (3, 2))
    w, again = np.ones((3, 2)), np.zeros((3, 2))
    optimizer = ravine.Optimizer("adamw lr=0.1", {"w": w})
    for g in grads[:5]:
        optimizer.step({"w": g})
    optimizer.save(path, verify=True)
    other = ravine.Optimizer("adamw lr=0.1", {"w": again})
    assert other.load(path) == [] and other.steps == 5
    for g in grads[5:]:
        optimizer.step({"w": g})
        other.step({"w": g})
    assert np.array_equal(w, again)


def test_a_checkpoint_that_does_not_fit(tmp_path):
    path, w, more = tmp_path / "x.safetensors", np.ones(3), np.ones(2)
    ravine.Optimizer("sgd lr=0.1", {"w": np.zeros(3)}).save(str(path))
    other = ravine.Optimizer("sgd lr=0.1", {"w": w, "more": more})
    with pytest.raises(ravine.FormatError, match="more"):
        other.load(path)
    assert np.array_equal(w, np.ones(3))
    told = other.load(path, partial=True)
    assert np.array_equal(w, np.zeros(3)) and any("more" in line for line in told)
    with pytest.raises(ravine.FileError, match="none"):
        other.load(tmp_path / "none")
    with pytest.raises(ravine.FileError, match="none"):
        other.save(tmp_path / "none" / "x")


def test_a_status_in_words():
    assert ravine.Status.DONE.text == "done"
    assert ravine.Status.CLIPPED.text == "step done: the gradient norm was clipped"


def test_a_plateau_lowers_the_rate():
    plateau = ravine.Plateau(factor=0.5, patience=1, minimum=0.2)
    assert [plateau.tell(loss) for loss in (1, 0.5, 0.5, 0.5, math.nan)] == [1, 1, 1, 0.5, 0.5]
    other = ravine.Plateau()
    other.state = plateau.state
    assert other.tell(0.6) == plateau.tell(0.6) == 0.25 == plateau.scale
    assert [other.tell(0.6) for _ in range(4)] == [0.25, 0.2, 0.2, 0.2]
    climbing = ravine.Plateau(maximize=True, patience=0)
    assert [climbing.tell(share) for share in (0.5, 0.6, 0.6)] == [1, 1, 0.1]
    with pytest.raises(ravine.RangeError, match="factor is 2"):
        ravine.Plateau(factor=2).tell(1)
