# SPDX-License-Identifier: Apache-2.0
"""How often the doctor is right outside its own battery (make doctor-outside).

python -m asked [--seeds 1 2 3 | --final] [--part K/N] [--jobs N] [--pattern TEXT] [--folder DIR]
                [--tables | --frequencies]

A run that this build was asked about is not made again. Prints the tables of
docs/doctor_outside.md; DIR gets results.jsonl, a line a run.
"""

import argparse
import os
import sys
from pathlib import Path

from outside import runs
from outside.cases import SEEDS

from asked import asking, page, score

FOLDER = Path("build/doctor-outside")


def seeds_of(given: list[str], final: bool) -> list[int]:
    """Seeds of development, or all of the final ones: never without being asked for by name.

    Raises:
        ValueError: a final seed without that.
    """
    if final:
        return SEEDS["final"]
    return [seed for text in given for seed in runs.seeds_of(str(int(text)))]


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="asked", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", default=SEEDS["dev"], help="of development")
    parser.add_argument("--final", action="store_true", help="the final seeds, which run once")
    parser.add_argument("--part", default="1/1", help="K/N: the K-th of N parts of the runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--pattern", default="*", help="of the names of cases")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--tables", action="store_true", help="of what is there: nothing is run")
    parser.add_argument(
        "--frequencies",
        action="store_true",
        help="of what is there, as lib/doctor/judge/frequencies.def has them",
    )
    arguments = parser.parse_args()
    folder = arguments.folder / "runs"
    try:
        seeds = seeds_of(arguments.seeds, arguments.final)
        every = asking.jobs_of(folder, seeds, arguments.pattern)
        mine = runs.part_of(every, arguments.part)
        only_told = arguments.tables or arguments.frequencies
        runs.carry_out([] if only_told else mine, arguments.jobs)
    except ValueError as error:
        sys.exit(f"asked: {error}")
    asked = score.collect(folder, seeds)
    if arguments.frequencies:
        print(score.frequencies(asked))
        return
    score.keep(asked, arguments.folder / "results.jsonl")
    wanted = sum(job.case.what.judge != "none" for job in every)
    print(page.tables(asked, wanted, seeds))


if __name__ == "__main__":
    main()
