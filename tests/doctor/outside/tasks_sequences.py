# SPDX-License-Identifier: Apache-2.0
"""Text, memory and series: Transformers, recurrent nets, word vectors."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from outside import data
from outside.parts import Recurrent, Transformer
from outside.world import Examples, Task

TIME = 32
SYMBOLS = data.text()[1]


def _windows(seed: int) -> tuple[Examples, Examples]:
    """Pieces of a text and their next symbols; the last tenth of it is held out."""
    text = data.text()[0]
    random = data.generator(seed, 21)
    border = len(text) * 9 // 10
    pairs = []
    for first, end, count in ((0, border, 6000), (border, len(text), 192)):
        start = torch.randint(first, end - TIME - 1, (count,), generator=random)
        piece = text[start.unsqueeze(1) + torch.arange(TIME + 1)]
        pairs.append(Examples((piece[:, :-1].clone(),), piece[:, 1:].clone()))
    return pairs[0], pairs[1]


def _entropy(examples: Examples) -> float:
    return data.entropy(examples.target)


def _variance(examples: Examples) -> float:
    return data.variance(examples.target)


def _pre(**options: Any) -> nn.Module:
    return Transformer(SYMBOLS, TIME, **options)


def _post(blocks: int = 6, **options: Any) -> nn.Module:
    return Transformer(SYMBOLS, TIME, blocks=blocks, pre=False, **options)


def _lstm(**options: Any) -> nn.Module:
    return Recurrent(nn.LSTM, SYMBOLS, 48, SYMBOLS, every=True, symbols=True, **options)


WORDS, NEGATIVES = 300, 2


def _contexts(seed: int) -> tuple[Examples, Examples]:
    """Words, the one after each, and two that are drawn at random."""
    text = data.words(WORDS)
    random = data.generator(seed, 22)
    at = torch.randint(3, len(text) - 3, (31_000,), generator=random)
    others = torch.randint(0, len(text), (len(at), NEGATIVES), generator=random)
    inputs = torch.cat([text[at, None], text[at + 1, None], text[others]], 1)
    target = torch.zeros(len(at), 1 + NEGATIVES)
    target[:, 0] = 1
    parts = slice(None, 30_000), slice(30_000, None)
    train, held = (Examples((inputs[p].clone(),), target[p].clone()) for p in parts)
    return train, held


class Vectors(nn.Module):
    """Skip-gram: a vector for a word, another one for what follows it."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.word = nn.Embedding(WORDS, width)
        self.near = nn.Embedding(WORDS, width)
        nn.init.normal_(self.word.weight, std=0.3)
        nn.init.normal_(self.near.weight, std=0.3)

    def forward(self, ids: Tensor) -> Tensor:
        """A logit for each candidate of [batch, word and candidates]."""
        return (self.word(ids[:, :1]) * self.near(ids[:, 1:])).sum(2)


def _remember(seed: int, time: int = 16, symbols: int = 6) -> tuple[Examples, Examples]:
    """Which symbol stood first, after noise."""
    random = data.generator(seed, 23)
    count = 3000
    first = torch.randint(0, symbols, (count,), generator=random)
    signal = 0.3 * torch.randn(count, time, symbols, generator=random)
    signal[:, 0] += F.one_hot(first, symbols).float()
    return (
        Examples((signal[:2600].clone(),), first[:2600].clone()),
        Examples((signal[2600:].clone(),), first[2600:].clone()),
    )


def _rnn(**options: Any) -> nn.Module:
    return Recurrent(nn.RNN, 6, 32, 6, orthogonal=True, **options)


def _series(seed: int) -> tuple[Examples, Examples]:
    """Two waves with noise; the next value is asked for."""
    random = data.generator(seed, 24)
    count, time = 2500, 24
    at = torch.arange(time + 1).float()
    value = torch.zeros(count, time + 1)
    for slow, fast in ((0.1, 0.4), (0.5, 1.2)):
        pace = slow + (fast - slow) * torch.rand(count, 1, generator=random)
        phase = 2 * math.pi * torch.rand(count, 1, generator=random)
        value += (pace * at + phase).sin()
    value += 0.1 * torch.randn(value.shape, generator=random)
    inputs, target = value[:, :-1].unsqueeze(2), value[:, -1:]
    return (
        Examples((inputs[:2000].clone(),), target[:2000].clone()),
        Examples((inputs[2000:].clone(),), target[2000:].clone()),
    )


def _gru(**options: Any) -> nn.Module:
    return Recurrent(nn.GRU, 1, 24, 1, **options)


TASKS = [
    Task(
        "text_pre",
        _windows,
        _pre,
        F.cross_entropy,
        768,
        16,
        SYMBOLS,
        constant=_entropy,
        warmup=0.1,
    ),
    Task(
        "text_post",
        _windows,
        _post,
        F.cross_entropy,
        448,
        16,
        SYMBOLS,
        constant=_entropy,
        warmup=0.25,
    ),
    Task("text_lstm", _windows, _lstm, F.cross_entropy, 768, 16, SYMBOLS, constant=_entropy),
    Task(
        "words",
        _contexts,
        lambda: Vectors(),
        F.binary_cross_entropy_with_logits,
        1280,
        128,
        constant=lambda e: data.entropy((e.target > 0).long()),
    ),
    Task("memory_rnn", _remember, _rnn, F.cross_entropy, 1024, 32, 6, constant=_entropy),
    Task("series_gru", _series, _gru, F.mse_loss, 640, 32, constant=_variance),
]
