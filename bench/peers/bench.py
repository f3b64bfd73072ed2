# SPDX-License-Identifier: Apache-2.0
"""Asks every peer and our doctor about the same runs and prints one table (make bench-doctor).

    bench.py PROGRAM [--seeds FIRST LAST] [--pattern TEXT] [--jobs N] [--folder DIR]
             [--live-seeds N]

A folder that has the runs of an earlier call is not filled again: only the peers are asked.
An answer counts as right as causes.py says. 'first': the peer's first answer is right; 'any': one
of them is. On a healthy run both mean: no alarm at all.
"""

import argparse
import collections
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/doctor"))
import causes  # noqa: E402
import from_log  # noqa: E402
import real_table  # noqa: E402

LIVE = ["torchmortem", "neuraldbg", "torch-audit", "torchdiag"]
OURS = "ravine doctor"
state: dict[str, Any] = {}  # of a process of the pool


def begin(program: str, folder: str, first_seed: int, live_seeds: int) -> None:
    """Fills `state`. Runs of the first live_seeds seeds are made again in PyTorch."""
    os.dup2(2, 1)  # what peers and their libraries print is no part of the table
    listed = subprocess.run([program, "--list"], capture_output=True, check=True, text=True).stdout
    state["scenarios"] = {s["scenario"]: s for s in map(json.loads, listed.splitlines())}
    state["folder"] = folder
    state["first_seed"], state["live_seeds"] = first_seed, live_seeds
    import live
    import torch

    torch.set_num_threads(1)
    state["live"] = live
    state["data"] = live.images("train")


def ask(run: real_table.Run) -> dict[str, list[str]]:
    """Answers by peer of one run."""
    stem = f"{state['folder']}/{run['scenario']}-{run['seed']}"
    log = pd.read_csv(f"{stem}.csv")
    answers = {}
    for peer, function in from_log.PEERS.items():
        answers[peer] = function(log, f"{stem}.csv")
    healthy = run["causes"] == "healthy" and state["live_seeds"] > 0
    if healthy or run["seed"] < state["first_seed"] + state["live_seeds"]:
        scenario = state["scenarios"][run["scenario"]]
        answers |= state["live"].answers(
            scenario, run["seed"], f"{stem}.weights", state["data"], state["folder"]
        )
    return answers


def judge(peer: str, answers: list[str], run: real_table.Run) -> tuple[bool, bool]:
    """(first answer right, any answer right)."""
    right = set(run["causes"].split())
    meant = [c for c in (causes.causes_of(peer, a) for a in answers) if c is not causes.IGNORED]
    if right == causes.HEALTHY:
        return not meant, not meant
    return bool(meant and meant[0] & right), any(m & right for m in meant)


def ours(run: real_table.Run) -> tuple[bool, bool]:
    verdict, also = run["diagnosis"]["verdict"], run["diagnosis"]["also"]
    right = set(run["causes"].split())
    return verdict in right, bool(right & {verdict, *also})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seeds", nargs=2, type=int, default=real_table.SEEDS)
    parser.add_argument("--pattern", default="_")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder")
    parser.add_argument(
        "--live-seeds",
        type=int,
        default=2,
        help="runs of so many seeds are made again in PyTorch for the peers that watch; 0: none",
    )
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    folder = os.path.abspath(options.folder or tempfile.mkdtemp(prefix="bench-doctor-"))
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)  # some peers write files where they are

    kept = Path("runs.jsonl")
    if kept.exists():
        runs = [json.loads(line) for line in kept.read_text().splitlines()]
    else:
        runs = real_table.execute(
            options.program, *options.seeds, options.pattern, options.jobs, folder
        )
    arguments = (options.program, folder, options.seeds[0], options.live_seeds)
    with multiprocessing.get_context("spawn").Pool(options.jobs, begin, arguments) as pool:
        answers = pool.map(ask, runs, chunksize=1)
    with open("answers.jsonl", "w") as file:
        for run, said in zip(runs, answers, strict=True):
            file.write(
                json.dumps({k: run[k] for k in ("scenario", "seed", "causes")} | said) + "\n"
            )
    report(runs, answers)
    print(f"logs, runs.jsonl and answers.jsonl are in {folder}", file=sys.stderr)


def report(runs: list[real_table.Run], answers: list[dict[str, list[str]]]) -> None:
    kinds = list(dict.fromkeys(map(real_table.family, runs)))
    score = collections.defaultdict(list)
    for run, said in zip(runs, answers, strict=True):
        kind = real_table.family(run)
        score[OURS, kind].append(ours(run))
        for peer, its in said.items():
            score[peer, kind].append(judge(peer, its, run))
    peers = [OURS, *sorted({p for p, _ in score} - {OURS})]
    rows = []
    for peer in peers:
        row, means = [peer], []
        for kind in kinds:
            pairs = score[peer, kind]
            if not pairs:
                row.append("")
                continue
            first, some = (100 * sum(side) / len(pairs) for side in zip(*pairs, strict=True))
            means.append((first, some))
            row.append(f"{first:.0f} / {some:.0f}")
        first, some = (sum(side) / len(means) for side in zip(*means, strict=True))
        rows.append([*row, f"{first:.0f} / {some:.0f}"])
    counts = collections.Counter(map(real_table.family, runs))
    print("Share of runs with the right answer, per cent: first answer / any answer.\n")
    real_table.table(["", *[f"{k} ({counts[k]})" for k in kinds], "mean of causes"], rows)


if __name__ == "__main__":
    main()
