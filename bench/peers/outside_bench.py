# SPDX-License-Identifier: Apache-2.0
"""Asks the tools that read logs about the runs of the outside battery (make bench-doctor-outside).

outside_bench.py [--folder DIR] [--seeds 1 2 3] [--jobs N]

DIR is what `make doctor-outside` has filled: its logs are what everybody gets, and its answers are
the doctor's. Prints one table: right or near in the generous count, right in the strict one, as
means of causes; and fine runs with an alarm. meanings.py says what a finding means.
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests/doctor")]
import meanings  # noqa: E402
import readers  # noqa: E402
from meanings import Finding  # noqa: E402
from outside.answers import judge  # noqa: E402

RANK = ["right", "near", "wrong", "unclear", "silent"]
Result = dict[str, Any]  # a line of results.jsonl


def columns(folder: Path, result: Result) -> pd.DataFrame:
    """The log of a run, as a table."""
    place = folder / "runs" / result["case"] / str(result["seed"])
    is_command = result["where"] == "train"
    path = place / "run/run.jsonl" if is_command else place / "run.jsonl"
    rows: list[dict[str, float]] = []
    for line in map(json.loads, path.open()):
        if line.get("type") == "epoch" and rows:
            rows[-1]["val_loss"] = line["test"]["loss"]
        elif "type" not in line and "step" in line:
            rows.append(_row(line))
    wanted = ["step", "train_loss", "lr", "grad_norm", "val_loss", "update_ratio"]
    return pd.DataFrame(rows, columns=wanted).astype(float).astype({"step": int})


def _row(line: dict[str, Any]) -> dict[str, float]:
    def number(key: str) -> float:
        return math.nan if line.get(key) is None else line[key]

    row = {"step": line["step"], "train_loss": number("loss"), "lr": number("lr")}
    row |= {"grad_norm": number("grad_norm"), "val_loss": number("val_loss")}
    size = number("param_norm")
    return row | {"update_ratio": number("update_norm") / size if size else math.nan}


def ask(job: tuple[Path, Result]) -> dict[str, list[Finding]]:
    """Findings by tool."""
    folder, result = job
    log = columns(folder, result)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "log.csv")
        # A loss that is not finite is none that was not logged.
        log.assign(train_loss=log["train_loss"].map(repr)).to_csv(path, index=False)
        return {tool: read(log, path) for tool, read in readers.TOOLS.items()}


def grade(tool: str, findings: list[Finding], result: Result, strict: bool) -> str:
    """right, near, wrong or silent of a broken run; of a fine one right or alarm."""
    if not result["broken"]:
        alarms = (meanings.is_alarm(tool, finding, strict) for finding in findings)
        return "alarm" if any(alarms) else "right"
    said = (meanings.words_of(tool, finding, strict) for finding in findings)
    counted = [words for words in said if words is not meanings.IGNORED]
    counted = counted[:1] if strict else counted
    grades = [judge(result["cause"], True, word) for words in counted for word in words]
    grades += ["wrong"] if counted else []
    return min(grades, key=RANK.index) if grades else "silent"


def grade_of_ours(answer: dict[str, Any], result: Result, strict: bool) -> str:
    """The same of the doctor; generous: what it names beside its verdict counts too."""
    first = judge(result["cause"], result["broken"], answer["word"])
    if strict or not result["broken"]:
        return first
    also = (judge(result["cause"], True, word) for word in answer["also"])
    return min([first, *also], key=RANK.index)


def mean_of_causes(results: list[Result], grades: list[str], *wanted: str) -> float:
    """How many of 100 broken runs, every cause counting alike."""
    by_cause: dict[str, list[bool]] = {}
    for result, given in zip(results, grades, strict=True):
        if result["broken"]:
            by_cause.setdefault(result["cause"], []).append(given in wanted)
    return 100 * statistics.mean(map(statistics.mean, by_cause.values()))


def alarms(results: list[Result], grades: list[str]) -> float:
    """How many of 100 fine runs have an alarm."""
    fine = [g == "alarm" for r, g in zip(results, grades, strict=True) if not r["broken"]]
    return 100 * statistics.mean(fine)


def report(results: list[Result], graded: dict[str, tuple[list[str], list[str]]]) -> None:
    """graded: by name the grades of all runs, generous and strict."""
    head = ["", "generous: right or near", "strict: right", "alarms", "alarms, strict"]
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for name, (generous, strict) in graded.items():
        numbers = [
            mean_of_causes(results, generous, "right", "near"),
            mean_of_causes(results, strict, "right"),
            alarms(results, generous),
            alarms(results, strict),
        ]
        print(f"| {name} | {' | '.join(f'{x:.1f}' for x in numbers)} |")
    print("\nRight or near of 100 runs of a cause, generous:\n")
    print(f"| cause | runs | {' | '.join(graded)} |\n{'|---' * (len(graded) + 2)}|")
    for cause in dict.fromkeys(result["cause"] for result in results if result["broken"]):
        at = [k for k, result in enumerate(results) if result["cause"] == cause]
        cells = [
            f"{100 * statistics.mean(generous[k] in ('right', 'near') for k in at):.0f}"
            for generous, _ in graded.values()
        ]
        print(f"| `{cause}` | {len(at)} | {' | '.join(cells)} |")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("build/doctor-outside"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    lines = map(json.loads, (arguments.folder / "results.jsonl").open())
    results = [line for line in lines if line["seed"] in arguments.seeds]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs, _quiet) as pool:
        jobs = [(arguments.folder.absolute(), result) for result in results]
        said = pool.map(ask, jobs, chunksize=8)
    ways = (False, True)
    graded = {
        f"ravine doctor, {how}": tuple(
            [grade_of_ours(of(result), result, strict) for result in results] for strict in ways
        )
        for how, of in OURS.items()
    }
    for tool in readers.TOOLS:
        graded[tool] = tuple(
            [grade(tool, f[tool], r, strict) for r, f in zip(results, said, strict=True)]
            for strict in ways
        )
    seeds = ", ".join(map(str, sorted({line["seed"] for line in results})))
    print(f"- {len(results)} runs of seeds {seeds} that took; per cent.\n")
    report(results, graded)


OURS: dict[str, Callable[[Result], dict[str, Any]]] = {
    "the log": lambda result: result["log"],
    "live": lambda result: result["live"][-1],
}


def _quiet() -> None:
    """What tools and their libraries print is no part of the table."""
    os.dup2(2, 1)


if __name__ == "__main__":
    main()
