"""What a row of the tables of causes is, and small helpers of theirs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from outside.world import Setup, Shape

# How truth.py finds out whether a construction took.
Judge = Literal[
    "level",  # held out, it ends above where its control was after 80 % of its fall
    "own",  # the same with the loss in use
    "relative",  # the same, each loss as a share of its own start
    "floor",  # it ends flat, a quarter above a control whose rate decays
    "still",  # more than half of the parameters did not move
    "part",  # some did not move
    "nonfinite",  # a loss is not finite
    "zero",  # nearly every loss is exactly 0
    "overfit",  # held out, it ends well above its least, and the training loss below
    "jump",  # in the middle of the run the loss jumps up
    "healthy",  # it learned, nearly as well as its control
    "none",  # it serves as a control alone
]

# Of a Setup, or of a Command of ravine_causes.
Change = Callable[[Any, float], None]
Rows = list[tuple[float | None, str, str]]  # strength, tasks, rules: each with each


@dataclass(frozen=True)
class Cause:
    """Something that is done to a setup, or a kind of healthy run."""

    name: str
    says: str  # what is wrong in the run, or what kind of healthy run it is; one sentence
    change: Change
    rows: Rows
    judge: Judge = "level"
    control: str = "usual"  # the kind of run that it is compared with


def nothing(setup: Setup, strength: float) -> None:
    """Leaves the setup as it is."""


def warm(share: float) -> Shape:
    """lr rises in a line over a share of the run."""
    return lambda progress: min(1.0, (progress + 1e-3) / share)


def cosine(progress: float) -> float:
    """From 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def times(a: Shape, b: Shape) -> Shape:
    """Both shapes at once."""
    return lambda progress: a(progress) * b(progress)
