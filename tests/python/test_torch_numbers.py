# SPDX-License-Identifier: Apache-2.0
"""ravine.torch against torch.optim: the same gradients, then the same parameters and states."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import ravine.torch
from torch_cases import CASES

STEPS = 50
SHAPES = [(), (0,), (1,), (7, 5), (3, 1, 9), (4099,)]
# Of the greatest number of a tensor: 32 times its spacing. PyTorch keeps some numbers, and what
# comes of them, in float32 for float64 parameters too.
TOLERANCE = {torch.float32: 32 * 2**-23, torch.float64: 1e-7}
NUMBERS = ("mu_product", "eta", "mu")


def make(dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = [torch.randn(shape, generator=generator, dtype=dtype) for shape in SHAPES]
    return [p.requires_grad_() for p in sizes], generator


def assert_alike(ours, theirs, dtype):
    atol = TOLERANCE[dtype] * max(theirs.abs().max().item(), 1e-30) if theirs.numel() else 0
    torch.testing.assert_close(ours, theirs, rtol=0, atol=atol, check_dtype=False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name, settings", CASES)
def test_same_numbers(name, settings, dtype):
    """Gradients of all sizes, missing at times; a learning rate that changes at every step."""
    mine, generator = make(dtype, 0)
    theirs, _ = make(dtype, 0)
    ours = getattr(ravine.torch, name)(mine, **settings)
    reference = getattr(torch.optim, name)(theirs, foreach=False, **settings)
    lr = ours.param_groups[0]["lr"]
    for step in range(STEPS):
        for k, (p, q) in enumerate(zip(mine, theirs, strict=True)):
            grad = torch.randn(p.shape, generator=generator, dtype=dtype) * 10 ** (k - 3)
            missing = (step + k) % 5 == 0 and p.numel()  # an empty one is stepped all the same
            missing = missing or (name == "Adafactor" and not p.numel())  # PyTorch divides by 0
            p.grad, q.grad = (None, None) if missing else (grad, grad.clone())
        for optimizer in (ours, reference):
            optimizer.param_groups[0]["lr"] = lr * (1 + step) / STEPS
            optimizer.step()
    for p, q in zip(mine, theirs, strict=True):
        assert_alike(p, q, dtype)
        assert ours.state[p].keys() == reference.state[q].keys()
        for key in reference.state[q]:
            assert_alike(
                ours.state[p][key],
                reference.state[q][key],
                torch.float32 if key in NUMBERS else dtype,
            )


@pytest.mark.parametrize("name, settings", [c for c in CASES if "maximize" not in c[1]])
def test_trains_a_network_to_the_same_weights(name, settings):
    """Closed loop, in float64: an error at any step would be fed back."""
    x = torch.linspace(-1, 1, 64, dtype=torch.float64).reshape(32, 2)
    weights = []
    for module in (ravine.torch, torch.optim):
        torch.manual_seed(1)
        model = torch.nn.Sequential(
            torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
        ).double()
        optimizer = getattr(module, name)(model.parameters(), **settings)
        for _ in range(STEPS):
            optimizer.zero_grad()
            (model(x) - x.sum(1, keepdim=True).sin()).square().mean().backward()
            optimizer.step()
        weights.append(list(model.parameters()))
    for ours, theirs in zip(*weights, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)
