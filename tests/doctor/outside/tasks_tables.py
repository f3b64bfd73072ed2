# SPDX-License-Identifier: Apache-2.0
"""Tables: classes, regressions, a likelihood, counts, a factorization."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from outside import data
from outside.parts import Mixed, mlp
from outside.world import Examples, Task

Pair = tuple[Examples, Examples]


def _split(inputs: tuple[Tensor, ...], target: Tensor, train: int) -> Pair:
    first, rest = slice(None, train), slice(train, None)
    return (
        Examples(tuple(x[first].clone() for x in inputs), target[first].clone()),
        Examples(tuple(x[rest].clone() for x in inputs), target[rest].clone()),
    )


LEVELS = [5, 8, 12]


def _classes(seed: int) -> Pair:
    """Five classes from six numbers and three categories; one row in twenty has any class."""
    random = data.generator(seed, 1)
    rows = 6500
    numbers = torch.randn(rows, 6, generator=random)
    numbers[:, 0] = data.standard(numbers[:, 0].mul(0.7).exp())  # skewed, as incomes are
    kinds = torch.stack([torch.randint(0, n, (rows,), generator=random) for n in LEVELS], 1)
    hidden = numbers @ torch.randn(6, 12, generator=random)
    for k, n in enumerate(LEVELS):
        hidden += 1.5 * torch.randn(n, 12, generator=random)[kinds[:, k]]
    scores = hidden.tanh() @ torch.randn(12, 5, generator=random)
    labels = data.standard(scores).argmax(1)
    wrong = torch.rand(rows, generator=random) < 0.05
    labels[wrong] = torch.randint(0, 5, (int(wrong.sum()),), generator=random)
    return _split((numbers, kinds), labels, 6000)


def _class_net(**options: Any) -> nn.Module:
    return Mixed(LEVELS, 4, 6, [48, 24, 5], **options)


def _energy(seed: int) -> Pair:
    """The heating energy of 2,000 buildings, in an order of the seed."""
    numbers, kinds, target = data.energy()
    order = torch.randperm(len(target), generator=data.generator(seed, 2))
    numbers, target = data.standard(numbers), data.standard(target)
    return _split((numbers[order], kinds[order]), target[order].unsqueeze(1), 1600)


def _energy_net(**options: Any) -> nn.Module:
    return Mixed([3, 3, 3], 2, 3, [48, 24, 1], **options)


def _linear(seed: int) -> Pair:
    """A plane in twenty columns that hang together, with noise."""
    random = data.generator(seed, 3)
    columns = torch.randn(2400, 20, generator=random) @ (
        torch.eye(20) + 0.4 * torch.randn(20, 20, generator=random)
    )
    columns = data.standard(columns)
    target = columns @ torch.randn(20, 1, generator=random)
    target += 0.3 * target.std() * torch.randn(2400, 1, generator=random)
    return _split((columns,), data.standard(target), 2000)


def _linear_net() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 1))


def _bands(seed: int) -> Pair:
    """A curve in four columns whose noise is another curve."""
    random = data.generator(seed, 4)
    x = torch.rand(2500, 4, generator=random) * 2 - 1
    middle = (3 * x[:, 0]).sin() + x[:, 1] * x[:, 2]
    width = (-3.5 + 1.5 * x[:, 3]).exp()
    target = middle + width * torch.randn(2500, generator=random)
    return _split((x * 1.7,), target.unsqueeze(1), 2000)


def likelihood(outputs: Tensor, target: Tensor) -> Tensor:
    """Negative log likelihood of a normal distribution, its constant left out."""
    mean, log_scale = outputs[:, :1], outputs[:, 1:].clamp(-8, 8)
    return (log_scale + 0.5 * ((target - mean) * (-log_scale).exp()).square()).mean()


def _bands_net(activation: str = "tanh", **options: Any) -> nn.Module:
    return mlp([4, 48, 48, 2], activation, **options)


def _counts(seed: int) -> Pair:
    """Visits a day, most often none, from eight columns."""
    random = data.generator(seed, 5)
    x = torch.randn(2500, 8, generator=random)
    rate = (0.8 * x[:, 0] + 0.6 * x[:, 1] * x[:, 2].sign() - 0.7 * x[:, 3].abs()).clamp(max=2.5)
    return _split((x,), torch.poisson(rate.exp(), generator=random).unsqueeze(1), 2000)


def _poisson(outputs: Tensor, target: Tensor) -> Tensor:
    log_rate = outputs.clamp(max=20)
    return (log_rate.exp() - target * log_rate).mean()


def _constant_poisson(examples: Examples) -> float:
    mean = float(examples.target.mean().clamp_min(1e-9))
    return mean - mean * float(torch.tensor(mean).log())


def _counts_net(**options: Any) -> nn.Module:
    return mlp([8, 48, 48, 1], **options)


USERS, ITEMS = 200, 120


def _ratings(seed: int) -> Pair:
    """What some users think of some items: three hidden tastes, and noise."""
    random = data.generator(seed, 6)
    users, items = (torch.randn(n, 3, generator=random) for n in (USERS, ITEMS))
    which = torch.randperm(USERS * ITEMS, generator=random)[:20_000]
    pairs = torch.stack([which // ITEMS, which % ITEMS], 1)
    target = (users[pairs[:, 0]] * items[pairs[:, 1]]).sum(1)
    target = data.standard(target + 0.3 * torch.randn(20_000, generator=random))
    return _split((pairs,), target, 19_000)


class Factors(nn.Module):
    """Inner products of a vector a user and a vector an item, with a bias each."""

    def __init__(self, width: int = 6):
        super().__init__()
        self.user = nn.Embedding(USERS, width)
        self.item = nn.Embedding(ITEMS, width)
        self.user_bias = nn.Embedding(USERS, 1)
        self.item_bias = nn.Embedding(ITEMS, 1)
        for embedding in (self.user, self.item):
            nn.init.normal_(embedding.weight, std=0.3)
        for bias in (self.user_bias, self.item_bias):
            nn.init.zeros_(bias.weight)

    def forward(self, pairs: Tensor) -> Tensor:
        """The ratings of [batch, 2]."""
        user, item = pairs[:, 0], pairs[:, 1]
        match = (self.user(user) * self.item(item)).sum(1)
        return match + self.user_bias(user)[:, 0] + self.item_bias(item)[:, 0]


def _variance(examples: Examples) -> float:
    return data.variance(examples.target)


def _entropy(examples: Examples) -> float:
    return data.entropy(examples.target)


TASKS = [
    Task("table_classes", _classes, _class_net, F.cross_entropy, 1024, 32, 5, constant=_entropy),
    Task("table_energy", _energy, _energy_net, F.mse_loss, 768, 32, constant=_variance),
    Task("table_linear", _linear, _linear_net, F.mse_loss, 1024, 16, constant=_variance),
    Task(
        "table_bands",
        _bands,
        _bands_net,
        likelihood,
        1024,
        32,
        constant=lambda e: data.gaussian(e.target),
    ),
    Task("table_counts", _counts, _counts_net, _poisson, 768, 32, constant=_constant_poisson),
    Task("factors", _ratings, lambda: Factors(), F.mse_loss, 1280, 64, constant=_variance),
]
