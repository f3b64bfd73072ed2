"""The runs in PyTorch as jobs."""

import fnmatch
import functools
import json
from pathlib import Path

from outside import cases, runs
from outside.observe import LogObserver
from outside.train import run


def make(case: cases.Case, job: runs.Job, folder: Path) -> str:
    """Trains a case into a folder: run.jsonl, and summary.json for the truth."""
    summary = run(case.setup(), job.seed, observer=LogObserver(folder / "run.jsonl"))
    (folder / "summary.json").write_text(json.dumps(summary))
    return f"{summary['loss_start']} -> {summary['loss_end']}"


def jobs_of(folder: Path, seeds: list[int], pattern: str) -> list[runs.Job]:
    """Of all cases whose name fits, seed by seed."""
    return [
        runs.Job(case.name, seed, folder / case.name / str(seed), functools.partial(make, case))
        for seed in seeds
        for case in cases.every()
        if fnmatch.fnmatch(case.name, pattern)
    ]
