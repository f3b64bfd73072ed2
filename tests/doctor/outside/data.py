# SPDX-License-Identifier: Apache-2.0
"""Files that `make test` installs, read once a process, and generators for everything else."""

import csv
import functools
import gzip
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

FASHION = Path("/usr/share/datasets/fashion-mnist")
LICENSES = Path("/usr/share/common-licenses")  # of Debian's base-files: English that stays the same
TEXTS = ["GPL-2", "GPL-3", "LGPL-2.1", "MPL-1.1", "MPL-2.0", "GFDL-1.3", "Apache-2.0", "Artistic"]
ENERGY = Path(__file__).parents[3] / "examples/data/energy.csv"


def generator(seed: int, *purpose: int) -> torch.Generator:
    """Random numbers of a seed, others for each purpose."""
    number = seed
    for k in purpose:
        number = (number * 1_000_003 + k + 1) % (1 << 62)
    return torch.Generator().manual_seed(number)


def standard(x: Tensor) -> Tensor:
    """Each column with mean 0 and deviation 1."""
    return (x - x.mean(0)) / x.std(0).clamp_min(1e-6)


def _idx(name: str) -> Tensor:
    raw = gzip.decompress((FASHION / name).read_bytes())
    sides = [int.from_bytes(raw[k : k + 4], "big") for k in range(4, 4 + 4 * raw[3], 4)]
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).copy()
    return torch.from_numpy(values).view(sides)


@functools.cache
def fashion_files() -> tuple[Tensor, Tensor]:
    """Fashion-MNIST's 10,000 test images and their labels, as bytes."""
    return _idx("t10k-images-idx3-ubyte.gz"), _idx("t10k-labels-idx1-ubyte.gz")


@functools.cache
def fashion() -> tuple[Tensor, Tensor]:
    """Fashion-MNIST's 10,000 test images, 14 x 14, 0 to 1, and their labels."""
    images, labels = fashion_files()
    return F.avg_pool2d(images.float().div(255).unsqueeze(1), 2), labels.long()


@functools.cache
def text() -> tuple[Tensor, int]:
    """A long text as numbers of symbols, and how many symbols there are."""
    raw = "".join((LICENSES / name).read_text(errors="replace") for name in TEXTS)
    symbols = {c: k for k, c in enumerate(sorted(set(raw)))}
    return torch.tensor([symbols[c] for c in raw]), len(symbols)


@functools.cache
def words(most: int) -> Tensor:
    """The words of the text as numbers by how common they are; rarer ones are left out."""
    raw = "".join((LICENSES / name).read_text(errors="replace") for name in TEXTS)
    found = "".join(c if c.isalpha() else " " for c in raw.lower()).split()
    count: dict[str, int] = {}
    for word in found:
        count[word] = count.get(word, 0) + 1
    ranks = {w: k for k, w in enumerate(sorted(count, key=lambda w: (-count[w], w))[:most])}
    return torch.tensor([ranks[w] for w in found if w in ranks])


@functools.cache
def energy() -> tuple[Tensor, Tensor, Tensor]:
    """The table of examples/data: numbers as they are, categories as numbers, the target."""
    with ENERGY.open() as file:
        rows = list(csv.DictReader(file))
    numbers = torch.tensor(
        [[float(r[c]) for c in ("area_m2", "occupants", "outdoor_c")] for r in rows]
    )
    kinds = []
    for column in ("building", "insulation", "heating"):
        level = {v: k for k, v in enumerate(sorted({r[column] for r in rows}))}
        kinds.append(torch.tensor([level[r[column]] for r in rows]))
    return numbers, torch.stack(kinds, 1), torch.tensor([float(r["kwh"]) for r in rows])


def entropy(labels: Tensor) -> float:
    """Cross-entropy of the best constant prediction of classes."""
    known = labels[labels >= 0]  # others are masked
    share = torch.bincount(known).double() / max(1, known.numel())
    return float(-(share[share > 0] * share[share > 0].log()).sum())


def variance(target: Tensor) -> float:
    """Mean squared error of the best constant prediction, one for each column."""
    return float(target.double().var(0, correction=0).mean())


def gaussian(target: Tensor) -> float:
    """Negative log likelihood of the best single normal distribution."""
    return 0.5 * (math.log(max(variance(target), 1e-12)) + 1)
