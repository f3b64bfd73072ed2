"""Many runs in parts and processes, each in a folder that appears when it is whole.

Whatever makes a run - train.py, the command - hands over a list of jobs; one that is done is not
done again.
"""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from outside.cases import SEEDS


@dataclass(frozen=True)
class Job:
    """One run: where it goes, and what makes it."""

    name: str
    seed: int
    folder: Path  # of this run; it appears whole
    make: Callable[["Job", Path], str]  # fills a folder; a line that tells what came of it

    @property
    def done(self) -> bool:
        """Was it made before?"""
        return self.folder.exists()


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
            raise ValueError(f"{seed} is no development seed; they are {SEEDS['dev']}")
    return seeds


def part_of(jobs: list[Job], text: str) -> list[Job]:
    """The K-th of N parts, as `K/N` says; every part has some of everything."""
    k, n = (int(number) for number in text.split("/"))
    if not 1 <= k <= n:
        raise ValueError(f"part {text}: from 1/{n} to {n}/{n}")
    return jobs[k - 1 :: n]


def _make(job: Job) -> tuple[Job, str, float]:
    began = time.process_time()
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = job.folder.with_name(f".{job.folder.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    told = job.make(job, unfinished)
    unfinished.rename(job.folder)
    return job, told, time.process_time() - began


def carry_out(jobs: Iterable[Job], processes: int) -> None:
    """Makes what is not there yet, and says how far it is."""
    all_jobs = list(jobs)
    left = [job for job in all_jobs if not job.done]
    print(f"{len(all_jobs)} runs, {len(all_jobs) - len(left)} of them there already", flush=True)
    began, busy = time.monotonic(), 0.0
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for k, (job, told, seconds) in enumerate(pool.imap_unordered(_make, left), 1):
            busy += seconds
            left_s = (time.monotonic() - began) / k * (len(left) - k)
            print(
                f"{k}/{len(left)}  {job.name} {job.seed}  {seconds:.1f} s  {told}"
                f"  ({left_s / 60:.0f} min left)",
                flush=True,
            )
    print(
        f"{len(left)} runs in {(time.monotonic() - began) / 60:.1f} min, "
        f"{busy / 60:.1f} min of processors",
        flush=True,
    )
