#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pictures of the documents, anew.

    tools/doc_pictures.py [--ravine build/ravine] [--to docs/pictures]

A page that shows pictures/race_NAME.svg has above it the command that makes the picture: a
`ravine race --surface ...`, or a `ravine doctor --surface ...`, whose run is drawn. Any other
picture is a figure of the lecture.
"""

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
COMMAND = re.compile(r"^    (?:\$ )?ravine (?:race|doctor) (--surface .*)$", re.M)
PICTURE = re.compile(r"pictures/(\w+\.svg)")
NOT_OF_RACES = {"--probe"}


def command_above(page: str, end: int) -> list[str]:
    """The options of the last command before a place."""
    words = shlex.split(COMMAND.findall(page[:end])[-1])
    return [word for word in words if word not in NOT_OF_RACES]


def wanted() -> dict[str, list[str] | None]:
    """Of each picture how it is raced; None: the lecture has it."""
    pictures: dict[str, list[str] | None] = {}
    for path in [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]:
        page = path.read_text()
        for found in PICTURE.finditer(page):
            name = found[1]
            raced = name.startswith("race_")
            pictures[name] = command_above(page, found.start()) if raced else None
    return pictures


def main() -> None:
    """Makes them; what no page shows goes."""
    parser = argparse.ArgumentParser(description="Makes the pictures of the documents anew.")
    parser.add_argument("--ravine", type=Path, default=ROOT / "build/ravine")
    parser.add_argument("--to", type=Path, default=ROOT / "docs/pictures")
    options = parser.parse_args()
    pictures = wanted()
    for old in options.to.glob("*.svg"):
        old.unlink()
    with TemporaryDirectory() as lecture:
        quiet = subprocess.DEVNULL
        subprocess.run([options.ravine, "lecture", "-o", lecture], check=True, stdout=quiet)
        for name, race in pictures.items():
            to = options.to / name
            if race is None:
                shutil.copyfile(Path(lecture) / name, to)
            else:
                command = [options.ravine, "race", *race, "-o", to]
                subprocess.run(command, check=True, stdout=quiet, stderr=quiet)


if __name__ == "__main__":
    main()
