# SPDX-License-Identifier: Apache-2.0
"""Many runs in parts and processes, each in a folder that appears when it is whole.

Whatever makes a run - train.py, the command - hands over a list of jobs; one that is done is not
done again.
"""

import fnmatch
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outside.cases import SEEDS
from outside.cause import Row


@dataclass(frozen=True)
class Job:
    """One run: where it goes, and what makes it."""

    seed: int
    folder: Path  # of this run; it appears whole
    case: Row
    make: "Make"

    @property
    def done(self) -> bool:
        """Was it made before?"""
        return self.folder.exists()


# Fills a folder for a case and a seed; a few words on what came of it.
Make = Callable[[Any, int, Path], str]


def jobs_of(cases: list[Any], make: Make, folder: Path, seeds: list[int], names: str) -> list[Job]:
    """Of all cases whose name fits, seed by seed."""
    return [
        Job(seed, folder / case.name / str(seed), case, make)
        for seed in seeds
        for case in cases
        if fnmatch.fnmatch(case.name, names)
    ]


def seeds_of(text: str) -> list[int]:
    """dev, final, or numbers of the development seeds with commas.

    Raises:
        ValueError: a number that is no development seed: the final ones run together.
    """
    if text in SEEDS:
        return SEEDS[text]
    seeds = [int(number) for number in text.split(",")]
    for seed in seeds:
        if seed not in SEEDS["dev"]:
            raise ValueError(
                f"{seed} is no development seed; they are {SEEDS['dev']}. The final ones run"
                " together and once: make doctor-outside-final FINAL=1"
            )
    return seeds


def part_of(jobs: list[Job], text: str) -> list[Job]:
    """The K-th of N parts, as `K/N` says; every part has some of everything."""
    k, n = (int(number) for number in text.split("/"))
    if not 1 <= k <= n:
        raise ValueError(f"part {text}: from 1/{n} to {n}/{n}")
    return jobs[k - 1 :: n]


def _processor_time() -> float:
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


def _make(job: Job) -> tuple[Job, str, float]:
    began = _processor_time()
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = job.folder.with_name(f".{job.folder.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    told = job.make(job.case, job.seed, unfinished)
    shutil.rmtree(job.folder, ignore_errors=True)
    unfinished.rename(job.folder)
    return job, told, _processor_time() - began


def _made(jobs: list[Job], processes: int) -> Iterator[tuple[Job, str, float]]:
    if processes == 1:
        yield from map(_make, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_make, jobs)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def carry_out(jobs: Iterable[Job], processes: int) -> None:
    """Makes what is not there yet, and says how far it is."""
    all_jobs = list(jobs)
    left = [job for job in all_jobs if not job.done]
    _say(f"{len(all_jobs)} runs, {len(all_jobs) - len(left)} of them there already")
    began, busy = time.monotonic(), 0.0
    for k, (job, told, seconds) in enumerate(_made(left, processes), 1):
        busy += seconds
        minutes = (time.monotonic() - began) / k * (len(left) - k) / 60
        _say(
            f"{k}/{len(left)}  {job.case.name} {job.seed}  {seconds:.1f} s  {told}"
            f"  ({minutes:.0f} min left)"
        )
    minutes = (time.monotonic() - began) / 60
    _say(f"{len(left)} runs in {minutes:.1f} min, {busy / 60:.1f} min of processors")
