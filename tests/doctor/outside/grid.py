# SPDX-License-Identifier: Apache-2.0
"""Where the usual rates come from: every task under the rules of its cases, half a decade apart.

python -m outside.grid [TASK ...] prints, for each task and rule, how a run ends at each rate, held
out. usual.py and ravine_usual.py have the best one (of those within 5 %, the lowest); adamw and
radam have adam's. They have a lower one where the best stays at a floor of noise, stands next to
one that is not finite, or leaves no plateau to wait in. The seed is no seed of the battery.
"""

import math
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

from outside import cases, ravine_runs, train
from outside.tasks import TASKS

SEED = 7001
RATES = {
    "sgd": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
    "momentum": [1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3],
    "adam": [3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1],
    "adagrad": [3e-3, 0.01, 0.03, 0.1, 0.3, 1.0],
    "rmsprop": [1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03],
    "lion": [3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01],
    "adagrad_mean": [1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03],
    "adan": [3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1],
}
AS_ADAM = {"adamw": "adam", "radam": "adam"}


def end_of(job: tuple[str, str, float]) -> float:
    """The held-out loss at the end of a run."""
    task, rule, lr = job
    if task in TASKS:
        setup = cases.usual(task, rule)
        setup.lr = lr
        record = train.run(setup, SEED)
    else:
        command = ravine_runs.usual(task, rule)
        command.lr = lr
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, task, str(SEED))
            place.mkdir(parents=True)
            record = ravine_runs.train(task, command, SEED, place)
    end = record["looks"][-1]["clean"]
    return math.inf if end is None or record["first_nonfinite"] else end


def main(names: list[str]) -> None:
    """Prints the table."""
    every = [*cases.Case.every(), *ravine_runs.Case.every()]
    needed = {(case.task, AS_ADAM.get(case.rule, case.rule)): None for case in every}
    jobs = [
        (task, rule, lr)
        for task, rule in needed
        for lr in RATES[rule]
        if not names or task in names
    ]
    ends: dict[tuple[str, str], list[str]] = {}
    with multiprocessing.get_context("spawn").Pool(int(os.environ.get("JOBS", "1"))) as pool:
        for (task, rule, lr), end in zip(jobs, pool.imap(end_of, jobs), strict=True):
            row = ends.setdefault((task, rule), [])
            row.append(f"{lr:g}:{end:.4g}")
            if len(row) == len(RATES[rule]):
                print(task, rule, *row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
