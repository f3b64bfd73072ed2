# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/doctor_outside.md."""

import math
import statistics
from collections.abc import Iterable

from outside import cases, ravine_runs

from asked import score
from asked.score import Asked

GOALS = {
    "right or near, of 100 broken runs": "90",
    "right": "75",
    "silent: healthy, or a local minimum": "3",
    "silent of a run that is not finite or ends above its start (runs)": "0",
    "unclear": "",
    "a wrong word": "5",
    "right or near, mean of causes": "",
    "an alarm at the end, of 100 fine runs": "3",
    "an alarm at any look, of 100 fine runs": "3",
    "step of the first right answer, median": "",
    "advice followed made it better, of 100": "70",
    "advice followed made it worse, of 100": "2",
    "calibration error": "0.05",
}


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """In Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _number(x: float, digits: int = 1) -> str:
    return "" if math.isnan(x) else f"{x:.{digits}f}"


def _first(runs: list[Asked]) -> str:
    steps = [run.first_right for run in runs if run.first_right is not None]
    return f"{statistics.median_low(steps)}" if steps else ""


def _advised(runs: list[Asked], outcome: str) -> str:
    count = score.advised(runs)
    return f"{100 * count[outcome] / count.total():.1f}" if count else ""


def _column(asked: list[Asked], live: bool) -> list[str]:
    grade = (lambda run: run.end) if live else (lambda run: run.of_log)
    of = (lambda run: run.live[-1]) if live else (lambda run: run.log)
    broken, fine = ([run for run in asked if run.broken is side] for side in (True, False))
    if not broken or not fine:
        return [""] * len(GOALS)
    any_look = 100 * sum(run.alarms for run in fine) / len(fine)
    lost = sum(run.hopeless and grade(run) == "silent" for run in broken)
    error = score.calibration_error(score.calibration(asked, of))
    return [
        _number(score.share(broken, grade, "right", "near")),
        _number(score.share(broken, grade, "right")),
        _number(score.share(broken, grade, "silent")),
        str(lost),
        _number(score.share(broken, grade, "unclear")),
        _number(score.share(broken, grade, "wrong")),
        _number(score.mean_of_causes(broken, grade, "right", "near")),
        _number(score.share(fine, grade, "alarm")),
        _number(any_look) if live else "",
        _first(broken) if live else "",
        *(_advised(asked, outcome) if live else "" for outcome in ("better", "worse")),
        _number(error, 3),
    ]


def summary(there: list[Asked], here: list[Asked]) -> str:
    """Goals beside what was measured."""
    columns = [_column(runs, live) for runs in (there, here) for live in (True, False)]
    head = ["", "goal", "PyTorch, live", "its log", "`ravine train`, live", "its log"]
    rows = [
        [name, goal, *cells] for (name, goal), *cells in zip(GOALS.items(), *columns, strict=True)
    ]
    return table(head, rows)


def by_cause(asked: list[Asked]) -> str:
    """A row for each cause."""
    head = ["cause", "runs", *score.GRADES, "first right", "log: right", "near"]
    head += ["advice: better", "same", "worse", "words"]
    rows = []
    for cause, runs in score.by((x for x in asked if x.broken), lambda run: run.cause).items():
        ends = [run.end for run in runs]
        logs = [run.of_log for run in runs]
        advised = score.advised(runs)
        rows.append(
            [
                f"`{cause}`",
                str(len(runs)),
                *(str(ends.count(grade) or "") for grade in score.GRADES),
                _first(runs),
                *(str(logs.count(grade) or "") for grade in ("right", "near")),
                *(str(advised[outcome] or "") for outcome in ("better", "same", "worse")),
                score.words(runs, lambda run: run.live[-1]),
            ]
        )
    return table(head, rows)


def by_kind(asked: list[Asked]) -> str:
    """A row for each kind of healthy run."""
    head = ["healthy", "runs", "alarm at the end", "at any look", "unclear", "log: alarm", "words"]
    rows = []
    for kind, runs in score.by((x for x in asked if not x.broken), lambda run: run.cause).items():
        ends = [run.end for run in runs]
        rows.append(
            [
                f"`{kind}`",
                str(len(runs)),
                str(ends.count("alarm") or ""),
                str(sum(run.alarms for run in runs) or ""),
                str(ends.count("unclear") or ""),
                str(sum(run.of_log == "alarm" for run in runs) or ""),
                score.words(runs, lambda run: run.live[-1]),
            ]
        )
    return table(head, rows)


def calibrated(asked: list[Asked]) -> str:
    """Confidence beside frequency."""
    head = ["confidence", "answers", "mean", "right", "right or near"]
    bins = score.calibration(asked, lambda run: run.live[-1])
    rows = [
        [
            f"{x.low:.1f} to {x.low + 0.1:.1f}",
            str(x.runs),
            f"{x.confidence:.3f}",
            f"{x.right:.3f}",
            f"{x.near:.3f}",
        ]
        for x in bins
    ]
    return table(head, rows)


def tables(asked: list[Asked], wanted: int, seeds: list[int]) -> str:
    """All of it; wanted: runs that there would be if none were left."""
    places = score.by(asked, lambda run: run.truth["where"])
    there, here = places.get("torch", []), places.get("train", [])
    seconds = sum(run.truth["seconds"] for run in asked)
    told = {x.name: x.says for x in cases.Case.causes().values()}
    told |= {x.name: x.says for x in ravine_runs.Case.causes().values()}
    met = {run.cause: None for run in asked}
    parts = [
        f"- Seeds {', '.join(map(str, seeds))}: {len(asked)} runs that took"
        f" of {wanted} to be judged, {len(there)} in PyTorch, {len(here)} of `ravine train`;"
        f" they trained for {seconds / 60:.0f} min.",
        summary(there, here),
    ]
    for name, runs in (("in PyTorch", there), ("of `ravine train`", here)):
        if runs:
            parts += [f"### Broken runs {name}", by_cause(runs)]
            parts += [f"### Healthy runs {name}", by_kind(runs)]
            parts += [f"### Confidence {name}, live at the end", calibrated(runs)]
    rows = [[f"`{name}`", told[name]] for name in met]
    return "\n\n".join([*parts, "### What the names mean", table(["name", "the run"], rows)])
