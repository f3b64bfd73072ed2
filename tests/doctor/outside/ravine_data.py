"""Files for `ravine train`: tables as beginners bring them and small cuts of Fashion-MNIST."""

import csv
import random
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


def images(folder: Path, seed: int) -> list[Path]:
    """Cuts of the four files of Fashion-MNIST; the labels may be written anew."""
    pictures, labels = data.fashion_files()
    order = torch.randperm(len(labels), generator=data.generator(seed, 51))
    paths = []
    for part, picked in (("train", order[:TRAIN]), ("test", order[TRAIN : TRAIN + HELD])):
        for what, values in (("images", pictures[picked]), ("labels", labels[picked])):
            path = folder / f"{part}-{what}.idx"
            sides = list(values.shape)
            head = bytes([0, 0, 8, len(sides)])
            head += b"".join(n.to_bytes(4, "big") for n in sides)
            path.write_bytes(head + values.numpy().tobytes())
            paths.append(path)
    return paths


def labels_of(path: Path) -> Table:
    """The labels of a file as a table of one column."""
    return Table(["label"], [[str(k)] for k in path.read_bytes()[8:]])


def write_labels(path: Path, table: Table) -> None:
    """The same back."""
    values = bytes(int(row[-1]) for row in table.rows)
    path.write_bytes(bytes([0, 0, 8, 1]) + len(values).to_bytes(4, "big") + values)


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


def one_class(table: Table, draw: random.Random, share: float) -> None:
    """Nearly all rows are of one class."""
    common = table.rows[0][-1]
    rare = [row for row in table.rows if row[-1] != common]
    many = [row for row in table.rows if row[-1] == common]
    rare = rare[: max(8, int(len(many) * (1 - share) / share))]
    table.rows = many + rare
    draw.shuffle(table.rows)
