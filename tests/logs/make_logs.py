# SPDX-License-Identifier: Apache-2.0
"""Writes logs of real trainings by the libraries that people use, into a folder.

python3 -m venv venv && venv/bin/pip install -r tests/logs/requirements.txt
venv/bin/python tests/logs/make_logs.py [--only FORMAT ...] [FOLDER]

FOLDER/FORMAT has the log of each training of trainings.py, or one store with all of them. README.md
says which versions wrote what tests/logs/real.tar.xz holds.
"""

import argparse
import lzma
import shutil
import tarfile
from pathlib import Path

import by_loop
import by_trainer
from trainings import TRAININGS, train


def _drop_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def pack(folder: Path) -> None:
    """FOLDER.tar.xz."""
    with tarfile.open(f"{folder}.tar.xz", "w:xz", preset=9 | lzma.PRESET_EXTREME) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, filter=_drop_owner)


def main() -> None:
    """Reads the command line."""
    known = [*by_loop.WRITERS, *by_trainer.WRITERS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/logs/real"))
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="FORMAT")
    arguments = parser.parse_args()
    for name in arguments.only:
        shutil.rmtree(arguments.folder / name, ignore_errors=True)
        (arguments.folder / name).mkdir(parents=True)
    for training in TRAININGS:
        rows = train(training)
        for name in arguments.only:
            print(training.name, name, flush=True)
            if name in by_loop.WRITERS:
                by_loop.WRITERS[name](arguments.folder / name, training, rows)
            else:
                by_trainer.WRITERS[name](arguments.folder / name, training)
    by_trainer.tidy(arguments.folder)
    pack(arguments.folder)


if __name__ == "__main__":
    main()
