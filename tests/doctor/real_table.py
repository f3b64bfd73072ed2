# SPDX-License-Identifier: Apache-2.0
"""Runs doctor_real and prints what the doctor said of real networks (make doctor-real).

real_table.py PROGRAM [--seeds FIRST LAST] [--pattern TEXT] [--folder DIR] [--jobs N]
                      [--least SHARE]
real_table.py --read FILE

DIR gets runs.jsonl, a line a run, which --read prints anew, and what bench/peers/bench.py wants of
them.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

Run = dict[str, Any]  # a line of doctor_real
SEEDS = [121, 125]  # first and last; earlier ones are those of development
PIECES = 8  # a process: they do not end together, and none is long


def family(run: Run) -> str:
    """lr_too_high_mlp, lr_too_high_cnn -> lr_too_high; every healthy run -> healthy."""
    return "healthy" if run["causes"] == "healthy" else run["scenario"].rsplit("_", 1)[0]


def execute(
    program: str, first: int, last: int, pattern: str, jobs: int, folder: str | None = None
) -> list[Run]:
    """All runs, in `jobs` processes at a time, in the order of the scenarios; kept in `folder`."""
    if folder:
        os.makedirs(folder, exist_ok=True)
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")

    def piece(k: int) -> list[Run]:
        command = [program, pattern, str(first), str(last), str(k), str(jobs * PIECES)]
        done = subprocess.run(
            command + ([folder] if folder else []), stdout=subprocess.PIPE, env=environment
        )
        if done.returncode:
            sys.exit(f"{program} failed")
        return [json.loads(line) for line in done.stdout.splitlines()]

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        pieces = list(pool.map(piece, range(jobs * PIECES)))
    # Run k is in piece k % pieces.
    longest = max(map(len, pieces))
    runs = [line[k] for k in range(longest) for line in pieces if k < len(line)]
    if folder:
        with open(os.path.join(folder, "runs.jsonl"), "w") as file:
            file.writelines(json.dumps(run) + "\n" for run in runs)
    return runs


def took(run: Run) -> bool:
    """Did the construction do what it should? Measured without the doctor."""
    s = {k: float("nan") if v is None else v for k, v in run["signs"].items()}
    kind = family(run)
    if kind.startswith("lr_too_high"):
        return s["nonfinite_losses"] > 0 or (s["noiseless_rises"] > 0.2 and s["tenth_of_lr"] < 1)
    return {
        "lr_explodes": lambda: s["nonfinite_losses"] > 0,
        "lr_too_low": lambda: s["lr_times_30"] < 0.9,
        "noise_floor": lambda: s["noiseless_rises"] < 0.1 and s["tenth_of_lr"] < 0.95,
        "dead_relu": lambda: s["zero_share"] > 0.9,
        "vanishing": lambda: s["first_to_last_gradient"] < 3e-3 and abs(s["fall"]) < 0.01,
        "burst": lambda: s["bursts"] > 0,
        "nan_image": lambda: s["nonfinite_losses"] > 0,
        "saddle": lambda: abs(s["fall"]) < 1e-3 and s["lr_times_30"] < 0.9,
        "healthy": lambda: s["fall"] > 0.02 and not s["nonfinite_losses"] and not s["bursts"],
    }[kind]()


def right(run: Run, answer: str = "diagnosis") -> bool:
    return run[answer]["verdict"] in run["causes"].split()


def share(flags: Iterable[bool]) -> str:
    known = list(flags)
    return f"{sum(known)}/{len(known)} = {100 * sum(known) / len(known):.0f} %" if known else "none"


def table(header: list[str], rows: list[list[Any]]) -> None:
    """Markdown, columns aligned."""
    texts = [header, *[[str(c) for c in row] for row in rows]]
    width = [max(len(row[i]) for row in texts) for i in range(len(header))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, width, strict=True)) + " |"
        for row in texts
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in width) + "|")
    print("\n".join(lines) + "\n")


def verdicts(runs: list[Run]) -> None:
    print("Verdict by cause. 'took': the construction shows in numbers without the doctor.\n")
    rows, groups = [], collections.defaultdict(list)
    for run in runs:
        groups[family(run)].append(run)
    for kind, group in groups.items():
        said = collections.Counter(r["diagnosis"]["verdict"] for r in group)
        words = ", ".join(f"{v} {n}" for v, n in said.most_common())
        rows.append(
            [
                kind,
                group[0]["causes"],
                share(map(took, group)),
                words,
                share(map(right, group)),
                share(map(right, filter(took, group))),
                share(right(r, "from_log") for r in group),
            ]
        )
    sick = [r for r in runs if family(r) != "healthy"]
    rows.append(
        [
            "all but healthy",
            "",
            share(map(took, sick)),
            "",
            share(map(right, sick)),
            share(map(right, filter(took, sick))),
            share(right(r, "from_log") for r in sick),
        ]
    )
    table(
        [
            "put in",
            "right is",
            "took",
            "verdicts",
            "right",
            "of those that took",
            "without a probe",
        ],
        rows,
    )


def false_alarms(runs: list[Run]) -> None:
    healthy = [r for r in runs if family(r) == "healthy"]
    if not healthy:
        return
    print(f"Healthy runs: {share(map(right, healthy))} are called healthy.\n")
    table(
        ["run", "optimizer", "seed", "loss fell by", "verdict", "without a probe"],
        [
            [
                r["scenario"],
                r["optimizer"],
                r["seed"],
                f"{100 * (r['signs']['fall'] or 0):.1f} %",
                r["diagnosis"]["verdict"],
                r["from_log"]["verdict"],
            ]
            for r in healthy
        ],
    )


def cures(runs: list[Run]) -> None:
    print("The printed cure against the unchanged run, 300 further steps on batches of training;")
    print("judged by examples that the doctor has not seen. 'first': printed without trying.\n")
    rows, groups = [], collections.defaultdict(list)
    for run in runs:
        if run["diagnosis"]["verdict"] not in ("healthy", "local_minimum"):
            groups[run["diagnosis"]["verdict"]].append(run)
    everything = []
    for verdict, group in groups.items():
        tried = [r["cure"] for r in group if isinstance(r["cure"], dict)]
        first = [r["first_cure"] for r in group if isinstance(r["first_cure"], dict)]
        everything += tried
        ratios = [c["ratio"] for c in tried if c["ratio"] is not None]
        rows.append(
            [
                verdict,
                len(group),
                len(tried),
                share(c["beats"] for c in tried),
                f"{statistics.median(ratios):.3f}" if ratios else "",
                share(c["beats"] for c in first),
            ]
        )
    rows.append(
        [
            "all",
            sum(map(len, groups.values())),
            len(everything),
            share(c["beats"] for c in everything),
            "",
            "",
        ]
    )
    table(
        [
            "verdict",
            "runs",
            "with a cure to apply",
            "beats unchanged",
            "median loss ratio",
            "first cure beats",
        ],
        rows,
    )


def wrong(runs: list[Run]) -> None:
    rows = []
    for r in runs:
        d = r["diagnosis"]
        evidence = [f"{k}={v:.3g}" for k, v in d["evidence"].items() if v is not None]
        if not right(r):
            row = [r["scenario"], r["seed"], d["verdict"], " ".join(d["also"]), " ".join(evidence)]
            rows.append(row)
    if rows:
        print("Every wrong answer.\n")
        table(["run", "seed", "verdict", "also", "evidence"], rows)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?")
    parser.add_argument("--read")
    parser.add_argument("--seeds", nargs=2, type=int, default=SEEDS)
    parser.add_argument("--pattern", default="_")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder")
    parser.add_argument("--least", type=float, default=0, help="share right below which it fails")
    options = parser.parse_args()
    if options.read:
        with open(options.read) as file:
            runs = [json.loads(line) for line in file]
    else:
        runs = execute(
            options.program, *options.seeds, options.pattern, options.jobs, options.folder
        )
    for part in (verdicts, false_alarms, cures, wrong):
        part(runs)
    return sum(map(right, runs)) < options.least * len(runs)


if __name__ == "__main__":
    sys.exit(main())
