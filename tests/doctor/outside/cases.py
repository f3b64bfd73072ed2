"""The list of all runs: a cause or a kind of healthy run, a task, a rule; and the seeds."""

from collections.abc import Iterator
from dataclasses import dataclass

from outside.cause import warm
from outside.causes import ALL, BROKEN, HEALTHY
from outside.tasks import TASKS
from outside.usual import RATES
from outside.world import Setup, constant_rate

# Whoever changes the doctor, or this battery, looks at the first ones only. The final ones are run
# once, when everything else is done.
SEEDS = {"dev": [1, 2, 3], "final": [9001, 9002, 9003]}


@dataclass(frozen=True)
class Case:
    """One run for each seed."""

    cause: str
    task: str
    rule: str
    strength: float | None = None

    @property
    def name(self) -> str:
        """As files and tables have it; it never changes."""
        how = [] if self.strength is None else [f"{self.strength:g}"]
        return "-".join([self.cause, *how, self.task, self.rule])

    @property
    def broken(self) -> bool:
        """Is there anything wrong with it?"""
        return self.cause in BROKEN

    def setup(self) -> Setup:
        """What train.run() carries out."""
        made = usual(self.task, self.rule)
        ALL[self.cause].change(made, 0.0 if self.strength is None else self.strength)
        return made

    def control(self) -> "Case":
        """The healthy run that it is compared with."""
        kind = ALL[self.cause].control
        for other in _rows(kind):
            if (other.task, other.rule) == (self.task, self.rule):
                return other
        return Case(kind, self.task, self.rule)


def usual(task: str, rule: str) -> Setup:
    """The settings that usually learn a task."""
    known = TASKS[task]
    return Setup(
        known,
        rule,
        RATES[task][rule],
        dict(known.options.get(rule, {})),
        known.steps,
        known.batch,
        shape=warm(known.warmup) if known.warmup else constant_rate,
    )


def _rows(cause: str) -> Iterator[Case]:
    for strength, tasks, rules in ALL[cause].rows:
        for task in tasks.split():
            for rule in rules.split():
                yield Case(cause, task, rule, strength)


def every() -> list[Case]:
    """All cases, controls among them, in a stable order."""
    written = [case for cause in ALL for case in _rows(cause)]
    return list(dict.fromkeys([*written, *(case.control() for case in written)]))


def check() -> None:
    """Raises if a control is of a kind that has no such row: a table was written wrong."""
    for case in every():
        kind = ALL[case.cause].control
        if kind != "usual" and case.control() not in every():
            raise ValueError(f"{case.name}: {kind} has no row for it")


assert set(BROKEN).isdisjoint(HEALTHY)
