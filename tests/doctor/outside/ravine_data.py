# SPDX-License-Identifier: Apache-2.0
"""Files for `ravine train`: tables as beginners bring them and small cuts of Fashion-MNIST."""

import csv
import math
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from outside import data


@dataclass
class Table:
    """Rows of text, the target in the last column; of images the target is all there is."""

    header: list[str]
    rows: list[list[str]]

    def write(self, path: Path) -> None:
        """As CSV."""
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([self.header, *self.rows])

    def constant(self) -> float:
        """Cross-entropy of the best constant prediction of the target, as classes."""
        counts = Counter(row[-1] for row in self.rows).values()
        return -sum(n / len(self.rows) * math.log(n / len(self.rows)) for n in counts)


def energy(draw: random.Random) -> Table:
    """The table of examples/data."""
    with data.ENERGY.open() as file:
        header, *rows = csv.reader(file)
    return Table(header, rows)


def classes(draw: random.Random) -> Table:
    """Four kinds of customers by numbers of very different size and two categories."""
    rows = []
    for _ in range(2400):
        age, income = draw.uniform(18, 80), draw.lognormvariate(10.3, 0.5)
        visits, city = draw.randint(0, 40), draw.choice(["north", "south", "east", "west"])
        way = draw.choice(["shop", "letter", "net"])
        score = [
            0.05 * (age - 50) + (city == "north"),
            income / 3e4 - 1 - (way == "net"),
            0.1 * (visits - 20) + (city == "west"),
            0.03 * (50 - age) + 0.06 * (20 - visits) + (way == "net"),
        ]
        best = max(range(4), key=lambda k: score[k] + 0.25 * draw.gauss(0, 1))
        kind = ["loyal", "rich", "busy", "new"][best]
        rows.append([f"{age:.0f}", f"{income:.2f}", str(visits), city, way, kind])
    return Table(["age", "income", "visits", "city", "way", "kind"], rows)


def prices(draw: random.Random) -> Table:
    """What flats cost: a skewed target, a column that says nothing, one category of many."""
    worth = {f"quarter {k}": draw.uniform(0.6, 1.8) for k in range(25)}
    rows = []
    for number in range(2400):
        size, floor = draw.uniform(20, 160), draw.randint(0, 9)
        quarter, age = draw.choice(list(worth)), draw.uniform(0, 100)
        price = 3000 * size * worth[quarter] * (1.2 - 0.004 * age) * (1 + 0.02 * floor)
        price *= draw.lognormvariate(0, 0.08)
        rows.append(
            [str(number), f"{size:.1f}", str(floor), f"{age:.0f}", quarter, f"{price / 1e3:.1f}"]
        )
    return Table(["number", "size", "floor", "age", "quarter", "price"], rows)


TABLES: dict[str, tuple[Callable[[random.Random], Table], str]] = {
    "energy": (energy, "regression"),
    "classes": (classes, "classification"),
    "prices": (prices, "regression"),
}
TRAIN, HELD = 6000, 500


def _write_idx(path: Path, values: torch.Tensor) -> Path:
    """Writes a file that another process may be writing too, of the same bytes."""
    sides = b"".join(n.to_bytes(4, "big") for n in values.shape)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(bytes([0, 0, 8, values.dim()]) + sides + values.numpy().tobytes())
    return unfinished.rename(path)


def images(
    folder: Path, shared: Path, seed: int, train: int, spoil: Callable[[Table, bool], None]
) -> list[Path]:
    """Cuts of the four files of Fashion-MNIST: pictures and labels to train on and to test.

    Args:
        folder: for the labels.
        shared: for the pictures, which many runs of a seed have in common.
        seed: of the cut.
        train: how many pictures to train on.
        spoil: changes the labels; told whether they are those of the test.
    """
    pictures, labels = data.fashion_files()
    order = torch.randperm(len(labels), generator=data.generator(seed, 51))
    shared.mkdir(parents=True, exist_ok=True)
    paths = []
    for part, picked in (("train", order[:train]), ("test", order[TRAIN : TRAIN + HELD])):
        path = shared / f"{seed}-{part}-{len(picked)}.idx"
        paths.append(path if path.exists() else _write_idx(path, pictures[picked]))
        table = Table(["label"], [[str(int(k))] for k in labels[picked]])
        spoil(table, part == "test")
        written = torch.tensor([int(row[-1]) for row in table.rows], dtype=torch.uint8)
        paths.append(_write_idx(folder / f"{part}-labels.idx", written))
    return paths


# ---- what goes wrong with tables -----------------------------------------------------------------


def shuffle(table: Table, draw: random.Random, strength: float) -> None:
    """The targets of other rows."""
    targets = [row[-1] for row in table.rows]
    draw.shuffle(targets)
    for row, target in zip(table.rows, targets, strict=True):
        row[-1] = target


def blur(table: Table, draw: random.Random, share: float) -> None:
    """The targets of other rows, for a share of them."""
    some = Table(table.header, [row for row in table.rows if draw.random() < share])
    shuffle(some, draw, 0)


def wild(table: Table, draw: random.Random, factor: float) -> None:
    """One target in 200 is in other units."""
    for row in draw.sample(table.rows, len(table.rows) // 200):
        row[-1] = f"{float(row[-1]) * factor:.1f}"
