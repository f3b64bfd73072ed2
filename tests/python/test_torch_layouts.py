# SPDX-License-Identifier: Apache-2.0
"""Tensors that change, or are not what they seem, between the steps of ravine.torch."""

import copy
import io
import itertools

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import ravine
from torch_cases import CASES, EVERY, PYTORCH, give_gradients, of, parameters, run

SHAPE = (4, 6, 2, 3)


def channels_last(values):
    return values.contiguous(memory_format=torch.channels_last)


def contiguous(values):
    return values.contiguous()


def transposed(values):
    return values.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0)


def strided(values):
    return values.repeat_interleave(2, dim=3)[..., ::2]


LAYOUTS = [contiguous, channels_last, transposed, strided]
CHANGES = list(itertools.permutations(LAYOUTS, 2))


def twins(seed=3, dtype=torch.float32):
    """Two parameters of the same numbers."""
    values = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return values.clone().requires_grad_(), values.clone().requires_grad_()


def together(ours, odd, reference, plain, steps, first=0, layout=None):
    """Steps of both with the same gradients, ours laid out as the parameter or as told."""
    for step in range(first, first + steps):
        generator = torch.Generator().manual_seed(step)
        grad = torch.randn(SHAPE, generator=generator, dtype=plain.dtype)
        plain.grad = grad.clone()
        odd.grad = layout(grad) if layout else grad.clone()
        ours.step()
        reference.step()


def assert_same(ours, odd, reference, plain):
    assert torch.equal(odd, plain)
    assert ours.state[odd].keys() == reference.state[plain].keys()
    for key, value in reference.state[plain].items():
        assert torch.equal(ours.state[odd][key], value), key


# ---- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("before, after", CHANGES, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", EVERY)
def test_the_state_follows_a_layout(name, before, after):
    """Exchanged after some steps, and back again: to the bit what a plain parameter gets."""
    odd, plain = twins()
    odd.data = before(odd.data)
    ours, reference = of(name, [odd], lr=0.1), of(name, [plain], lr=0.1)
    for first, layout in enumerate([before, after, before]):
        odd.data = layout(odd.data)
        together(ours, odd, reference, plain, 3, first=3 * first, layout=layout)
        assert_same(ours, odd, reference, plain)
    together(ours, odd, reference, plain, 2, first=9, layout=after)  # a gradient in another one
    assert_same(ours, odd, reference, plain)


@pytest.mark.parametrize("name, settings", CASES)
def test_numbers_of_pytorch_after_a_change(name, settings):
    odd, plain = twins()
    odd.data = channels_last(odd.data)
    plain.data = channels_last(plain.data)
    ours, theirs = of(name, [odd], **settings), getattr(torch.optim, name)([plain], **settings)
    for first, layout in enumerate([channels_last, contiguous, transposed, channels_last]):
        odd.data = layout(odd.data)
        plain.data = layout(plain.data)
        together(ours, odd, theirs, plain, 5, first=5 * first, layout=layout)
        torch.testing.assert_close(odd, plain, rtol=1e-6, atol=1e-6)


def test_a_network_in_channels_last_and_back():
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    models, optimizers = [], []
    for module in (ravine.torch, torch.optim):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3), torch.nn.Tanh(), torch.nn.Conv2d(8, 2, 3)
        )
        models.append(model.to(memory_format=torch.channels_last))
        optimizers.append(module.AdamW(model.parameters(), lr=0.05))
    for form in (torch.channels_last, torch.contiguous_format, torch.channels_last):
        for model, optimizer in zip(models, optimizers, strict=True):
            model.to(memory_format=form)
            for _ in range(5):
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
    for ours, theirs in zip(*(m.parameters() for m in models), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_an_average_follows_a_layout():
    odd, plain = twins()
    ours, reference = of("Adam", [odd]), of("Adam", [plain])
    for step, layout in enumerate([contiguous, channels_last, contiguous]):
        odd.data = layout(odd.data)
        odd.grad, plain.grad = torch.ones(SHAPE) * step, torch.ones(SHAPE) * step
        ours.step(ema=0.5)
        reference.step(ema=0.5)
    assert_same(ours, odd, reference, plain)


@pytest.mark.parametrize("saved, loaded", CHANGES, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", PYTORCH)
def test_a_state_dict_into_another_layout(name, saved, loaded):
    """Saved in the middle of a change of layout, loaded under a third: the same numbers go on."""
    odd, plain = twins()
    ours, reference = of(name, [odd]), of(name, [plain])
    together(ours, odd, reference, plain, 2)
    odd.data = saved(odd.data)
    file = io.BytesIO()
    torch.save(ours.state_dict(), file)
    file.seek(0)
    again = loaded(odd.detach().clone()).requires_grad_()
    copied = of(name, [again])
    copied.load_state_dict(torch.load(file, weights_only=True))
    together(copied, again, reference, plain, 3, first=2, layout=loaded)
    assert_same(copied, again, reference, plain)


def test_steps_in_one_layout_keep_their_session():
    """What is made anew when a layout changes is not made at every step."""
    odd, _ = twins()
    odd.data = channels_last(odd.data)
    optimizer = of("Adam", [odd])
    run(optimizer, [odd], 1)
    session, mean = optimizer._session, optimizer.state[odd]["exp_avg"]
    run(optimizer, [odd], 3, first=1)
    assert optimizer._session is session and optimizer.state[odd]["exp_avg"] is mean
    odd.data = contiguous(odd.data)
    run(optimizer, [odd], 1, first=4)
    assert optimizer._session is not session
    assert optimizer.state[odd]["exp_avg"].is_contiguous()


@pytest.mark.parametrize("layout", [contiguous, channels_last])
def test_another_shape_of_as_many_elements(layout):
    """PyTorch's state does not fit then; ours must not be taken for another element's."""
    p = layout(torch.randn(SHAPE)).requires_grad_()
    optimizer = of("Adam", [p])
    run(optimizer, [p], 2)
    kept, mean = p.data, optimizer.state[p]["exp_avg"]
    p.grad = None
    p.data = kept.transpose(0, 1).contiguous()
    p.grad = torch.ones_like(p)
    words = r"exp_avg of parameter 0 of group 0 has shape \[4, 6, 2, 3\]; it must be \[6, 4, 2, 3\]"
    refused(optimizer, [p], ravine.ArgumentError, words)
    p.grad = None
    p.data = kept
    give_gradients([p], 2)
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 3 and optimizer.state[p]["exp_avg"] is mean
    plain, q = of("SGD", [p], lr=1.0), p.detach().clone()  # without state any shape will do
    plain.step()
    q -= p.grad
    assert torch.equal(p, q)
    p.grad = None
    p.data = p.data.transpose(0, 1).contiguous()
    p.grad = torch.ones_like(p)
    plain.step()
    assert torch.equal(p, q.transpose(0, 1) - 1)


def test_a_parameter_that_grows_with_its_state():
    (p,) = parameters([1.0, 2.0])
    optimizer = of("Adam", [p])
    run(optimizer, [p], 2)
    p.grad = None
    p.data = torch.ones(3)
    for key in ("exp_avg", "exp_avg_sq"):
        optimizer.state[p][key] = torch.ones(3)
    run(optimizer, [p], 1)
    assert optimizer.state[p]["step"].item() == 3


def test_memory_that_is_exchanged_between_steps():
    """Every way in which a tensor gets other memory: the step finds the memory of the moment."""
    exchanges = {
        "data": lambda p: setattr(p, "data", p.data.clone()),
        "set_": lambda p: p.data.set_(p.data.clone()),
        "an offset": lambda p: setattr(p, "data", torch.cat([p.data, p.data])[2:]),
        "resized": lambda p: p.untyped_storage().resize_(4096),
        "swapped": lambda p: torch.utils.swap_tensors(p, p.detach().clone().requires_grad_()),
    }
    for what, exchange in exchanges.items():
        (p,), (q,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
        ours, reference = of("Adam", [p], lr=0.5), of("Adam", [q], lr=0.5)
        for step in range(3):
            run(ours, [p], 1, step)
            run(reference, [q], 1, step)
            p.grad = None
            exchange(p)
        assert torch.equal(p, q), what


def test_gradients_of_every_habit():
    """Set to None, kept and zeroed, exchanged under the same object, the same for two."""
    a, b = parameters([1.0, 2.0], [3.0, 4.0]), parameters([1.0, 2.0], [3.0, 4.0])
    ours, theirs = of("SGD", a, lr=0.5), torch.optim.SGD(b, lr=0.5)

    def new(params, k):
        give_gradients(params, k)

    def kept(params, k):
        for p in params:
            p.grad.zero_()
            p.grad += k

    def exchanged(params, k):
        for p in params:
            p.grad.data = torch.full((2,), float(k))

    def shared(params, k):
        params[0].grad = params[1].grad = torch.full((2,), float(k))

    def missing(params, k):
        params[0].grad = None

    habits = [new, kept, kept, exchanged, kept, shared, missing, new, exchanged, missing, shared]
    for k, habit in enumerate(habits):
        habit(a, k)
        habit(b, k)
        ours.step()
        theirs.step()
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


# ---- negative views ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (3,), SHAPE])
@pytest.mark.parametrize("name", EVERY)
def test_a_gradient_with_the_negative_bit(name, shape):
    p = torch.full(shape, 0.5, requires_grad=True)
    q = p.detach().clone().requires_grad_()
    ours, reference = of(name, [p], lr=0.1), of(name, [q], lr=0.1)
    for step in range(4):
        grad = torch.randn(shape, generator=torch.Generator().manual_seed(step))
        p.grad = torch._neg_view(grad.clone()) if step % 2 else -grad
        assert p.grad.is_neg() == bool(step % 2)
        q.grad = -grad
        kept = p.grad.clone()
        ours.step()
        reference.step()
        assert torch.equal(p.grad, kept)
    assert torch.equal(p, q)


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_a_gradient_that_autograd_leaves_negative(shape):
    ends = []
    for module in (ravine.torch, torch.optim):
        re = torch.full(shape, 0.25, requires_grad=True)
        im = torch.full(shape, 0.5, requires_grad=True)
        optimizer = module.SGD([re, im], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            z = torch.complex(re, im).conj()
            (z * (1 + 2j)).abs().square().sum().backward()
            assert im.grad.is_neg() == (im.numel() == 1)  # longer ones are not row-major: copied
            optimizer.step()
        ends.append([re, im])
    torch.testing.assert_close(*ends)


@pytest.mark.parametrize("name", EVERY)
def test_a_parameter_with_the_negative_bit(name):
    """From the start, from the middle on at other memory, and at its own."""
    memory = torch.randn(5, generator=torch.Generator().manual_seed(0))
    p = torch._neg_view(memory).requires_grad_()
    q = p.detach().clone().requires_grad_()
    assert p.is_neg() and not q.is_neg()
    ours, reference = of(name, [p], lr=0.1), of(name, [q], lr=0.1)
    changes = [
        lambda: p.data,
        lambda: p.data.resolve_neg(),
        lambda: torch._neg_view(-p.data),
        lambda: p.data.resolve_neg(),
    ]
    for k, change in enumerate(changes):
        p.data = change()
        run(ours, [p], 2, first=2 * k)
        run(reference, [q], 2, first=2 * k)
        assert torch.equal(p, q)
    p.data, q.data = torch._neg_view(p.data), -q.data  # the same address
    run(ours, [p], 2, first=8)
    run(reference, [q], 2, first=8)
    assert torch.equal(p, q)
    assert torch.equal(-memory, q) is False  # p has moved on to memory of its own


def test_a_negative_gradient_is_zeroed():
    p = torch.ones(3, requires_grad=True)
    p.grad = torch._neg_view(torch.ones(3))
    of("SGD", [p], lr=1.0).step(zero_grad=True)
    assert p.tolist() == [2, 2, 2] and p.grad.tolist() == [0, 0, 0]


def test_no_real_tensor_is_conjugate():
    """A conjugate view of a real tensor is the tensor, by force too; complex ones are refused."""
    real = torch.ones(3)
    assert real.conj() is real
    with pytest.raises(RuntimeError):
        torch._conj(real)


# ---- what is refused, before anything changes ----------------------------------------------------


def refused(optimizer, params, error, words, **options):
    """The step raises; parameters, gradients, states and step_counts are as they were."""
    before = [p.detach().clone() for p in params]
    state = copy.deepcopy(optimizer.state_dict()["state"])
    with pytest.raises(error, match=words):
        optimizer.step(**options)
    assert all(map(torch.equal, params, before))
    after = optimizer.state_dict()["state"]
    assert after.keys() == state.keys()
    for k in state:
        for key, value in state[k].items():
            assert torch.equal(torch.as_tensor(after[k][key]), torch.as_tensor(value)), key


def test_expanded_parameters_are_refused():
    expanded = torch.ones(1).expand(3).requires_grad_()
    with pytest.raises(ravine.UnsupportedError, match="parameter 0 of group 0 is expanded"):
        of("AdamW", [expanded])
    a, b = parameters([1.0, 2.0], [1.0, 2.0])
    optimizer = of("Adam", [a, b])
    run(optimizer, [a, b], 2)
    give_gradients([a, b], 2)
    b.data = torch.ones(1).expand(2)
    refused(optimizer, [a, b], ravine.UnsupportedError, "parameter 1 of group 0 is expanded.*clone")
    b.data = torch.ones(2)
    optimizer.step()
    assert optimizer.state[a]["step"].item() == 3


def test_an_expanded_gradient_cannot_be_zeroed():
    """As in PyTorch; it is enough for a step."""
    (p,) = parameters([1.0, 2.0])
    optimizer = of("Adam", [p])
    run(optimizer, [p], 1)
    p.grad = torch.ones(1).expand(2)
    words = "the gradient of parameter 0 of group 0 is expanded"
    refused(optimizer, [p], ravine.UnsupportedError, words, zero_grad=True)
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 2


class Wrapper(torch.Tensor):
    """A tensor whose numbers lie in another one, as those of DTensor do."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        plain = [a.inner if isinstance(a, Wrapper) else a for a in args]
        result = function(*plain, **(kwargs or {}))
        return cls(result) if isinstance(result, torch.Tensor) else result


def freed(like):
    gradient = torch.ones_like(like)
    gradient.untyped_storage().resize_(0)
    return gradient


@pytest.mark.parametrize("hollow", [lambda p: Wrapper(torch.ones_like(p)), freed])
@pytest.mark.parametrize("other", [True, False], ids=["beside another", "alone"])
def test_a_gradient_without_memory(hollow, other):
    a, b = parameters([1.0, 2.0], [3.0, 4.0])
    optimizer = of("Adam", [a, b])
    run(optimizer, [a, b], 2)
    a.grad = torch.ones(2) if other else None
    b.grad = hollow(b)
    refused(
        optimizer, [a, b], ravine.UnsupportedError, "gradient of parameter 1 of group 0 .*memory"
    )
    b.grad = torch.ones(2)
    optimizer.step(stats=True)
    assert optimizer.stats.step == 3 == optimizer.state[b]["step"].item()


def test_a_parameter_without_memory():
    hollow = Wrapper(torch.ones(2)).requires_grad_()
    with pytest.raises(ravine.UnsupportedError, match="parameter 0 of group 0 .*Wrapper.*memory"):
        of("AdamW", [hollow])
    a, b = parameters([1.0, 2.0], [3.0, 4.0])
    optimizer = of("Adam", [a, b])
    run(optimizer, [a, b], 2)
    kept = b.data
    b.data = torch.ones(2)
    b.untyped_storage().resize_(0)
    with pytest.raises(ravine.UnsupportedError, match="parameter 1 of group 0 .*memory"):
        optimizer.step()
    b.data = kept
    give_gradients([a, b], 3)
    optimizer.step()
    assert optimizer.state[a]["step"].item() == 3 == optimizer.state[b]["step"].item()


def test_an_empty_gradient_has_no_memory_and_needs_none():
    p, q = parameters([], [1.0])
    optimizer = of("Adam", [p, q])
    run(optimizer, [p, q], 2)
    assert optimizer.state[p]["step"].item() == 2
