# SPDX-License-Identifier: Apache-2.0
"""How often the doctor is right: what it said beside what is true."""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outside import truth
from outside.answers import judge

GRADES = ("right", "near", "silent", "unclear", "wrong")


@dataclass(frozen=True)
class Asked:
    """A run that took, and what was said of it."""

    truth: dict[str, Any]  # a line of truth.collect()
    live: list[dict[str, Any]]
    log: dict[str, Any]
    advice: dict[str, str] | None = None  # what became of it when the first cure was followed

    @property
    def broken(self) -> bool:
        """Has it a trouble?"""
        return self.truth["broken"]

    @property
    def cause(self) -> str:
        """The trouble, or the kind of healthy run."""
        return self.truth["cause"]

    def grade(self, answer: dict[str, Any]) -> str:
        """right, near, silent, unclear, wrong; of a healthy run right, unclear or alarm."""
        return judge(self.cause, self.broken, answer["word"])

    @property
    def end(self) -> str:
        """The grade of the last answer."""
        return self.grade(self.live[-1])

    @property
    def of_log(self) -> str:
        """The grade of the answer from the log."""
        return self.grade(self.log)

    @property
    def first_right(self) -> int | None:
        """The step after which the right word was said first."""
        steps = (answer["step"] for answer in self.live if self.grade(answer) == "right")
        return next(steps, None)

    @property
    def alarms(self) -> bool:
        """Was there any alarm, at any look?"""
        return any(self.grade(answer) == "alarm" for answer in self.live)

    @property
    def hopeless(self) -> bool:
        """Not finite at some step, or held out above where it began."""
        return self.truth["first_nonfinite"] is not None or self.truth["ends_above_start"]


def collect(folder: Path, seeds: list[int]) -> list[Asked]:
    """Every run of these seeds that took and was asked about."""
    found = []
    for line in truth.collect(folder):
        path = folder / line["case"] / str(line["seed"]) / "answers.json"
        if not line["judged"] or line["seed"] not in seeds or not path.exists():
            continue
        answers = json.loads(path.read_text())
        found.append(Asked(line, answers["live"], answers["log"], answers["advice"]))
    return found


def keep(asked: list[Asked], path: Path) -> None:
    """A line of JSON a run."""
    with path.open("w") as file:
        for run in asked:
            said = {"live": run.live, "log": run.log, "advice": run.advice}
            said |= {"grade": run.end, "of_log": run.of_log}
            file.write(json.dumps(run.truth | said) + "\n")


Grade = Callable[[Asked], str]


def share(runs: list[Asked], grade: Grade, *grades: str) -> float:
    """How many of 100 have one of these grades."""
    return 100 * sum(grade(run) in grades for run in runs) / len(runs) if runs else float("nan")


def mean_of_causes(runs: list[Asked], grade: Grade, *grades: str) -> float:
    """The same, every cause counting alike."""
    by_cause = by(runs, lambda run: run.cause).values()
    return statistics.mean(share(some, grade, *grades) for some in by_cause)


def by(runs: Iterable[Asked], key: Callable[[Asked], str]) -> dict[str, list[Asked]]:
    """Groups, in the order in which they come."""
    found: dict[str, list[Asked]] = {}
    for run in runs:
        found.setdefault(key(run), []).append(run)
    return found


def advised(runs: list[Asked]) -> Counter[str]:
    """better, same, worse, unreadable: of the runs whose first cure could be followed."""
    return Counter(run.advice["outcome"] for run in runs if run.advice)


def words(runs: list[Asked], of: Callable[[Asked], dict[str, Any]], most: int = 4) -> str:
    """What was said how often, the most frequent first."""
    count = Counter(of(run)["word"] for run in runs).most_common(most)
    return ", ".join(f"{word} {n}" for word, n in count)


@dataclass(frozen=True)
class Bin:
    """Answers with about the same confidence."""

    low: float
    runs: int
    confidence: float  # mean
    right: float  # share
    near: float  # share of right and near


def calibration(runs: list[Asked], of: Callable[[Asked], dict[str, Any]]) -> list[Bin]:
    """By tenths of confidence; UNCLEAR is no answer."""
    tenths: dict[int, list[tuple[float, str]]] = {}
    for run in runs:
        answer = of(run)
        if answer["confidence"] is not None and answer["word"] != "unclear":
            tenth = min(9, int(10 * answer["confidence"] + 1e-9))
            tenths.setdefault(tenth, []).append((answer["confidence"], run.grade(answer)))
    return [
        Bin(
            tenth / 10,
            len(pairs),
            statistics.mean(confidence for confidence, _ in pairs),
            sum(grade == "right" for _, grade in pairs) / len(pairs),
            sum(grade in ("right", "near") for _, grade in pairs) / len(pairs),
        )
        for tenth, pairs in sorted(tenths.items())
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Mean distance between confidence and frequency of right answers."""
    total = sum(x.runs for x in bins)
    return sum(x.runs * abs(x.confidence - x.right) for x in bins) / max(1, total)


def frequencies(runs: list[Asked]) -> str:
    """How often each word was right, as lib/doctor/judge/frequencies.def has it."""
    said = by(runs, lambda run: run.live[-1]["word"])
    return "\n".join(
        f"SAID({word.upper()}, {sum(run.end == 'right' for run in of)}, {len(of)})"
        for word, of in sorted(said.items())
        if word != "unclear"
    )
