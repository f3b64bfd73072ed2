# SPDX-License-Identifier: Apache-2.0
"""Small algorithms, points to generate, an equation to solve, a pole to balance."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from outside import data
from outside.parts import mlp
from outside.world import Criterion, Examples, Task

MODULUS = 17


def _sums(seed: int) -> tuple[Examples, Examples]:
    """(a + b) mod 17 for every pair, to be learned by heart: nothing is held out."""
    pairs = torch.cartesian_prod(torch.arange(MODULUS), torch.arange(MODULUS))
    order = torch.randperm(len(pairs), generator=data.generator(seed, 31))
    pairs = pairs[order]
    target = pairs.sum(1) % MODULUS
    return Examples((pairs.clone(),), target.clone()), Examples((pairs,), target)


def _by_heart(net: nn.Module, held: Examples, random: torch.Generator) -> float:
    return float(F.cross_entropy(net(*held.inputs), held.target))


class Sums(nn.Module):
    """An embedding of both numbers and a hidden layer."""

    def __init__(self, activation: str = "relu", dropout: float = 0.0):
        super().__init__()
        self.number = nn.Embedding(MODULUS, 24)
        self.body = mlp([48, 96, MODULUS], activation, dropout=dropout)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits of [batch, 2]."""
        return self.body(self.number(pairs).flatten(1))


BITS = 9


def _bits(seed: int) -> tuple[Examples, Examples]:
    """Whether the first five of nine bits are an odd number."""
    random = data.generator(seed, 32)
    bits = torch.randint(0, 2, (3400, BITS), generator=random)
    target = bits[:, :5].sum(1) % 2
    inputs = bits.float() * 2 - 1
    return (
        Examples((inputs[:3000].clone(),), target[:3000].clone()),
        Examples((inputs[3000:].clone(),), target[3000:].clone()),
    )


def _parity_net(**options: Any) -> nn.Module:
    return mlp([BITS, 64, 2], **options)


def _spiral(seed: int, purpose: int) -> tuple[Examples, Examples]:
    """Points on a spiral."""
    random = data.generator(seed, purpose)
    turn = 1.5 + 8 * torch.rand(2500, 1, generator=random)
    points = turn * torch.cat([turn.cos(), turn.sin()], 1) / 5
    points += 0.03 * torch.randn(points.shape, generator=random)
    return (
        Examples((points[:2000].clone(),), points[:2000].clone()),
        Examples((points[2000:].clone(),), points[2000:].clone()),
    )


class Denoiser(nn.Module):
    """The noise of points that were mixed with some, from them and how much it is."""

    def __init__(self, **options: Any):
        super().__init__()
        self.body = mlp([2 + 8, 64, 64, 2], **options)

    def forward(self, points: Tensor, level: Tensor) -> Tensor:
        """[batch, 2] from [batch, 2] and [batch, 1]."""
        waves = level * 2.0 ** torch.arange(4) * math.pi
        return self.body(torch.cat([points, waves.sin(), waves.cos()], 1))


def _noise(
    net: nn.Module, examples: Examples, criterion: Criterion, random: torch.Generator
) -> Tensor:
    """How well the noise in noisy points is told."""
    points = examples.inputs[0]
    level = torch.rand(len(points), 1, generator=random)
    noise = torch.randn(points.shape, generator=random)
    mixed = (level * math.pi / 2).cos() * points + (level * math.pi / 2).sin() * noise
    return criterion(net(mixed, level), noise)


class Rivals(nn.Module):
    """A generator of points and a critic of them."""

    def __init__(self, activation: str = "gelu"):
        super().__init__()
        self.maker = mlp([4, 48, 48, 2], activation)
        self.critic = mlp([2, 48, 48, 1], activation)


def _ring(seed: int) -> tuple[Examples, Examples]:
    """Six heaps of points around a middle."""
    random = data.generator(seed, 34)
    turn = torch.randint(0, 6, (2500, 1), generator=random) * (math.pi / 3)
    points = torch.cat([turn.cos(), turn.sin()], 1)
    points += 0.1 * torch.randn(points.shape, generator=random)
    return (
        Examples((points[:2000].clone(),), points[:2000].clone()),
        Examples((points[2000:].clone(),), points[2000:].clone()),
    )


def _contest(
    net: nn.Module, examples: Examples, criterion: Criterion, random: torch.Generator
) -> Tensor:
    """The losses of both, each with a gradient for its own side only."""
    real = examples.inputs[0]
    made = net.maker(torch.randn(len(real), 4, generator=random))
    told = torch.cat([net.critic(real), net.critic(made.detach())])
    truth = torch.cat([torch.ones(len(real), 1), torch.zeros(len(real), 1)])
    held = {k: v.detach() for k, v in net.critic.named_parameters()}
    fooled = functional_call(net.critic, held, (made,))
    return criterion(told, truth) + criterion(fooled, torch.ones(len(real), 1))


def _distance(net: nn.Module, held: Examples, random: torch.Generator) -> float:
    """The energy distance between points that are made and real ones."""
    real = held.inputs[0]
    made = net.maker(torch.randn(len(real), 4, generator=random))
    between = torch.cdist(real, made).mean()
    return float(2 * between - torch.cdist(real, real).mean() - torch.cdist(made, made).mean())


def _times(seed: int) -> tuple[Examples, Examples]:
    """Times at which an equation is to hold, and its solution there."""
    at = 4 * torch.rand(600, 1, generator=data.generator(seed, 35))
    pace = math.sqrt(4 - 0.2**2)
    solution = (-0.2 * at).exp() * ((pace * at).cos() + 0.2 / pace * (pace * at).sin())
    return Examples((at[:400],), solution[:400]), Examples((at[400:],), solution[400:])


def _equation(
    net: nn.Module, examples: Examples, criterion: Criterion, random: torch.Generator
) -> Tensor:
    """u'' + 0.4 u' + 4 u = 0 with u(0) = 1 and u'(0) = 0: what is left of it."""
    with torch.enable_grad():
        at = torch.cat([torch.zeros(1, 1), examples.inputs[0]]).requires_grad_()
        u = net(at)
        (first,) = torch.autograd.grad(u.sum(), at, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), at, create_graph=True)
        rest = (second + 0.4 * first + 4 * u)[1:]
        start = (u[0] - 1).square() + first[0].square()
        return criterion(rest, torch.zeros_like(rest)) + 5 * start.sum()


def _error(net: nn.Module, held: Examples, random: torch.Generator) -> float:
    return float(F.mse_loss(net(held.inputs[0]), held.target))


def _equation_net(activation: str = "tanh", **options: Any) -> nn.Module:
    return mlp([1, 32, 32, 1], activation, **options)


def _poles(seed: int) -> tuple[Examples, Examples]:
    """Where a cart with a pole starts: place, speed, angle, turning."""
    start = 0.1 * torch.randn(2200, 4, generator=data.generator(seed, 36))
    zeros = torch.zeros(2200)
    return Examples((start[:2000],), zeros[:2000]), Examples((start[2000:],), zeros[2000:])


def _drive(state: Tensor, right: Tensor) -> Tensor:
    """Barto's cart and pole after a fiftieth of a second."""
    place, speed, angle, turning = state.unbind(1)
    push = (right * 20.0 - 10.0 + 0.05 * turning.square() * angle.sin()) / 1.1
    turn = (9.8 * angle.sin() - angle.cos() * push) / (
        0.5 * (4 / 3 - 0.1 * angle.cos().square() / 1.1)
    )
    gain = push - 0.05 * turn * angle.cos() / 1.1
    change = torch.stack([speed, gain, turning, turn], 1)
    return state + 0.02 * change


LONGEST = 60


def _balance(net: nn.Module, start: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """What was chosen, as log probabilities, and whether the pole still stood: [time, batch]."""
    state, standing = start, torch.ones(len(start))
    chosen, stood = [], []
    for _ in range(LONGEST):
        logits = net(state)[:, 0]
        right = (torch.rand(len(start), generator=random) < logits.detach().sigmoid()).float()
        chosen.append(-F.binary_cross_entropy_with_logits(logits, right, reduction="none"))
        state = _drive(state, right)
        standing = standing * ((state[:, 2].abs() < 0.21) & (state[:, 0].abs() < 2.4)).float()
        stood.append(standing)
    return torch.stack(chosen), torch.stack(stood)


def _reinforce(
    net: nn.Module, examples: Examples, criterion: Criterion, random: torch.Generator
) -> Tensor:
    """The policy gradient with a normalized return; its value says nothing by itself."""
    chosen, stood = _balance(net, examples.inputs[0], random)
    to_come = stood.flip(0).cumsum(0).flip(0)
    gain = (to_come - to_come.mean(1, keepdim=True)) / (to_come.std() + 1e-6)
    return -(chosen * gain * stood).mean()


def _fallen(net: nn.Module, held: Examples, random: torch.Generator) -> float:
    """The share of the time that the pole lay."""
    return float(1 - _balance(net, held.inputs[0], random)[1].mean())


def _policy_net(activation: str = "tanh", **options: Any) -> nn.Module:
    return mlp([4, 24, 1], activation, **options)


def _entropy(examples: Examples) -> float:
    return data.entropy(examples.target)


TASKS = [
    Task(
        "sums",
        _sums,
        lambda **o: Sums(**o),
        F.cross_entropy,
        1024,
        48,
        MODULUS,
        constant=_entropy,
        measure=_by_heart,
    ),
    Task("parity", _bits, _parity_net, F.cross_entropy, 1280, 64, 2, constant=_entropy),
    Task(
        "points_denoise",
        lambda seed: _spiral(seed, 33),
        lambda **o: Denoiser(**o),
        F.mse_loss,
        1024,
        64,
        objective=_noise,
        constant=lambda e: 1.0,
    ),
    Task(
        "points_gan",
        _ring,
        lambda **o: Rivals(**o),
        F.binary_cross_entropy_with_logits,
        1280,
        64,
        objective=_contest,
        measure=_distance,
        options={rule: {"betas": (0.5, 0.99)} for rule in ("adam", "adamw", "radam")},
    ),
    Task(
        "equation",
        _times,
        _equation_net,
        F.mse_loss,
        768,
        32,
        objective=_equation,
        measure=_error,
    ),
    Task(
        "cart_pole",
        _poles,
        _policy_net,
        F.mse_loss,
        320,
        24,
        objective=_reinforce,
        measure=_fallen,
    ),
]
