# SPDX-License-Identifier: Apache-2.0
"""What a row of the tables of causes is, and small helpers of theirs."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

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
    "leaps",  # now and then a loss is far above the others
    "jump",  # in the middle of the run the loss jumps up
    "learned",  # it is well below the best constant prediction, and at no floor of noise
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


@dataclass(frozen=True)
class Row:
    """One run for each seed: a cause or a kind of healthy run, a task, a rule."""

    cause: str
    task: str
    rule: str
    strength: float | None = None

    prefix: ClassVar[list[str]] = []  # of names
    broken_causes: ClassVar[Mapping[str, Cause]]
    healthy_kinds: ClassVar[Mapping[str, Cause]]

    @property
    def name(self) -> str:
        """As files and tables have it; it never changes."""
        how = [] if self.strength is None else [f"{self.strength:g}"]
        return "-".join([*self.prefix, self.cause, *how, self.task, self.rule])

    @property
    def broken(self) -> bool:
        """Is there anything wrong with it?"""
        return self.cause in self.broken_causes

    @property
    def what(self) -> Cause:
        """The row of its table."""
        return self.causes()[self.cause]

    def control(self) -> Self:
        """The healthy run that it is compared with."""
        kind = self.what.control
        fit = [x for x in self.rows(kind) if (x.task, x.rule) == (self.task, self.rule)]
        same = [x for x in fit if x.strength == self.strength]
        return (same or fit or [type(self)(kind, self.task, self.rule)])[0]

    @classmethod
    def causes(cls) -> dict[str, Cause]:
        """All of them, healthy kinds too."""
        return {**cls.broken_causes, **cls.healthy_kinds}

    @classmethod
    def rows(cls, cause: str) -> Iterator[Self]:
        """The cases that a table has for a cause."""
        for strength, tasks, rules in cls.causes()[cause].rows:
            for task in tasks.split():
                for rule in rules.split():
                    yield cls(cause, task, rule, strength)

    @classmethod
    def every(cls) -> list[Self]:
        """All cases, controls among them, in a stable order."""
        listed = {case: None for cause in cls.causes() for case in cls.rows(cause)}
        more = list(listed)
        while more := [c for c in (case.control() for case in more) if c not in listed]:
            listed |= dict.fromkeys(more)
        return list(listed)


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
