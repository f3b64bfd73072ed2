# SPDX-License-Identifier: Apache-2.0
"""The trainings whose logs are made: one is well, and of each other one the trouble is known.

The same net, data and settings are trained by a plain loop, by the HF Trainer, by Lightning and by
Keras on PyTorch: 400 steps on images of Fashion-MNIST, validated every 50 steps on 1,000 others.
"""

import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

STEPS, BATCH, VALIDATE_EVERY, SEED = 400, 50, 50, 1
IMAGES = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist


def decay(step: int) -> float:
    """The share of the rate that a step has: a cosine to a hundredth."""
    return 0.01 + 0.99 * (1 + math.cos(math.pi * min(step, STEPS) / STEPS)) / 2


def decay_cut(step: int) -> float:
    """The same, but 0 from the middle on, as of a schedule that is stepped once a process."""
    return decay(step) if step < STEPS // 2 else 0.0


def leap(step: int) -> float:
    """A rate that leaps up in the middle, to where no training holds."""
    return decay(step) if step < STEPS // 2 else 5000.0


@dataclass(frozen=True)
class Training:
    """One training, and what is wrong with it."""

    name: str
    trouble: str
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer]
    examples: int = 20_000  # each is seen once
    shuffled: bool = False  # labels of other images
    schedule: Callable[[int], float] = decay


def _adam(rate: float) -> Callable[[list[nn.Parameter]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01)


def _momentum(rate: float) -> Callable[[list[nn.Parameter]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=0.9)


TRAININGS = [
    Training("healthy", "none", _adam(1e-3)),
    Training("diverged", "the rate leaps at step 200: NaN", _momentum(0.02), schedule=leap),
    Training("crawling", "the rate is 1,000 times too low", _adam(1e-6)),
    Training("flat", "labels are those of other images", _adam(1e-3), shuffled=True),
    Training("overfitting", "100 examples, each seen 200 times", _adam(3e-3), examples=100),
    Training("lr_zero", "the rate is 0 from step 200 on", _adam(1e-3), schedule=decay_cut),
]


def make_net() -> nn.Module:
    """The net, the same one each time."""
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                         nn.Linear(64, 10))  # fmt: skip


def _read(name: str, offset: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((IMAGES / name).read_bytes())[offset:], np.uint8)


Examples = tuple[torch.Tensor, torch.Tensor]  # images [n][784], labels [n]


def examples_of(training: Training) -> tuple[Examples, Examples]:
    """Those to train on, and those to validate on."""
    sets: list[Examples] = []
    for prefix, count in (("train", training.examples), ("t10k", 1000)):
        images = _read(f"{prefix}-images-idx3-ubyte.gz", 16)[: count * 784].reshape(count, 784)
        labels = _read(f"{prefix}-labels-idx1-ubyte.gz", 8)[:count]
        x = torch.from_numpy(images.astype(np.float32) / 255 - 0.286)
        sets.append((x, torch.from_numpy(labels.astype(np.int64))))
    if training.shuffled:
        order = torch.Generator().manual_seed(SEED)
        sets[0] = (sets[0][0], sets[0][1][torch.randperm(training.examples, generator=order)])
    return sets[0], sets[1]


Watch = Callable[[torch.optim.Optimizer, nn.Module], Any]


@dataclass(frozen=True)
class Row:
    """What a loop of one's own logs after a step."""

    step: int
    loss: float
    lr: float
    grad_norm: float
    val_loss: float | None


def train(training: Training, watch: Watch | None = None) -> list[Row]:
    """The plain loop; `watch` gives a doctor, as ravine.watch does."""
    net = make_net()
    optimizer = training.optimizer(list(net.parameters()))
    doctor = watch(optimizer, net) if watch else None
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, training.schedule)
    (x, y), (vx, vy) = examples_of(training)
    order = torch.Generator().manual_seed(SEED)
    rows: list[Row] = []
    queue = torch.empty(0, dtype=torch.int64)
    for step in range(1, STEPS + 1):
        if len(queue) < BATCH:
            queue = torch.randperm(len(x), generator=order)
        batch, queue = queue[:BATCH], queue[BATCH:]
        loss = nn.functional.cross_entropy(net(x[batch]), y[batch])
        optimizer.zero_grad()
        if doctor:
            doctor.tell(loss)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), math.inf)
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
        held = None
        if step % VALIDATE_EVERY == 0:
            with torch.no_grad():
                held = nn.functional.cross_entropy(net(vx), vy).item()
            if doctor:
                doctor.tell_validation(held)
        rows.append(Row(step, loss.item(), rate, norm.item(), held))
    return rows
