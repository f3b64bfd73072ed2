# SPDX-License-Identifier: Apache-2.0
"""Prints what the doctor says of the trainings of the pages in docs/stuck/.

python -m complaints [--mended] [NAME ...]      names of pages or of trainings; none: all of them
"""

import argparse
import time

import torch

from complaints.complaints import COMPLAINTS


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="complaints", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--mended", action="store_true", help="without the mistake")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for complaint in COMPLAINTS:
        if chosen.names and not {complaint.page, complaint.name} & set(chosen.names):
            continue
        begun = time.perf_counter()
        found, number = complaint.diagnosis(chosen.mended)
        seconds = time.perf_counter() - begun
        right = complaint.fine if chosen.mended else complaint.right
        mark = "right" if found.verdict in right else f"right were {', '.join(sorted(right))}"
        print(f"---- {complaint.page}: {complaint.name}, {seconds:.1f} s, {mark}")
        print(found if number is None else f"{found}\n{number:.3g}", end="\n\n")


if __name__ == "__main__":
    main()
