# SPDX-License-Identifier: Apache-2.0
"""The outside battery: what the doctor is judged by, made without it.

python -m outside list [PATTERN]      every case, with its control
python -m outside run ...             train them: a folder each, with run.jsonl and summary.json
python -m outside ravine ...          the same for `ravine train`
python -m outside truth [--folder F]  whether each construction took, into truth.jsonl
"""

import argparse
import fnmatch
import sys
from pathlib import Path

from outside import ravine_runs, runs, torch_runs, truth
from outside.cases import Case

FOLDER = Path("build/outside")
KINDS = {"run": Case, "ravine": ravine_runs.Case}
MAKE = {"run": torch_runs.make, "ravine": ravine_runs.make}


def listing(pattern: str) -> None:
    """Prints the cases, and how many there are of each cause."""
    for kind in KINDS.values():
        chosen = [case for case in kind.every() if fnmatch.fnmatch(case.name, pattern)]
        for case in chosen:
            print(f"{case.name:52} against {case.control().name}" if case.broken else case.name)
        for cause in kind.causes().values():
            count = sum(case.cause == cause.name for case in chosen)
            if count:
                print(f"{count:4}  {cause.name}: {cause.says}")
        print(f"{len(chosen)} cases")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="outside", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").add_argument("pattern", nargs="?", default="*")
    for name in KINDS:
        making = commands.add_parser(name)
        making.add_argument("--seeds", default="dev", help="dev, final, or 1,2")
        making.add_argument("--part", default="1/1", help="K/N: the K-th of N parts")
        making.add_argument("--jobs", type=int, default=1, help="processes")
        making.add_argument("--pattern", default="*", help="of the names of cases")
        making.add_argument("--folder", type=Path, default=FOLDER)
    asking = commands.add_parser("truth")
    asking.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if arguments.command == "list":
        listing(arguments.pattern)
    elif arguments.command == "truth":
        truth.report(arguments.folder)
    else:
        every, make = KINDS[arguments.command].every(), MAKE[arguments.command]
        try:
            seeds = runs.seeds_of(arguments.seeds)
            jobs = runs.jobs_of(every, make, arguments.folder, seeds, arguments.pattern)
            jobs = runs.part_of(jobs, arguments.part)
        except ValueError as error:
            sys.exit(f"outside: {error}")
        runs.carry_out(jobs, arguments.jobs)


if __name__ == "__main__":
    main()
