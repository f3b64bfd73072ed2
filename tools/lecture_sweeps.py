#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the runs of the lecture's figures (m) and (n) and writes what they came to.

    tools/lecture_sweeps.py [--ravine build/ravine] [--folder build/lecture-sweeps] [--jobs 2]

writes app/lecture/sweeps.def, from which `ravine lecture` draws. A run that is in the folder
already is not made again; the date is that of the last run.
"""

import argparse
import json
import re
import shlex
import subprocess
from datetime import datetime
from pathlib import Path

from machine import describe

TABLE = Path(__file__).parents[1] / "app/lecture/sweeps.def"
HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* sweeps.def - what the sweeps of figures (m) and (n) came to. Written by tools/lecture_sweeps.py.
 *
 * SAVED_SWEEP(name, day of its last run, machine, command)
 * SAVED_RUN(name, row, column, seed, validation loss at the best epoch; NAN: it diverged) */
/* clang-format off */
"""
CONFIGS = "examples/sweeps/"
RATES = [f"{CONFIGS}rate_batch.yaml"]
BATCHES = ["--vary", "batch_size=16,64,256,1024", "--seeds", "2"]
RESNET = "constant(50%) linear(50%, to=0) lr=1,warmup(60) constant(46) linear(50%, to=0) lr=1"
TRANSFORMER = "constant lr=1.5e-3,warmup(100) constant lr=1.5e-3"
# Of each: the keys whose values are its rows and its columns; the words of `ravine sweep`.
SWEEPS = {
    "rate_sgd": ("batch_size", "lr", [*RATES, "--vary", "lr=1e-3:10:log:9", *BATCHES]),
    "rate_adam": (
        "batch_size",
        "lr",
        [*RATES, "--set", "optimizer=adam", "--vary", "lr=1e-5:0.1:log:9", *BATCHES],
    ),
    "resnet": (
        "lr",
        "schedule.lr",
        [
            f"{CONFIGS}warmup_resnet.yaml",
            *("--vary", "lr=0.3,1,3", "--vary", f"schedule.lr={RESNET}", "--seeds", "1"),
        ],
    ),
    "transformer": (
        "model.norm",
        "schedule.lr",
        [
            f"{CONFIGS}warmup_transformer.yaml",
            *("--vary", "model.norm=post,pre", "--vary", f"schedule.lr={TRANSFORMER}"),
            *("--seeds", "3"),
        ],
    ),
}


def number_of(key: str, text: str, values: list[str]) -> str:
    """A value as a number: a schedule by its steps of warm-up, a word by its place in the list."""
    if key == "schedule.lr":
        warmup = re.search(r"warmup\((\d+)\)", text)
        return warmup[1] if warmup else "0"
    return str(values.index(text)) if text.isalpha() else text


def day_of(folder: Path) -> str:
    """When the last run of a sweep began."""
    headers = [json.loads(log.open().readline()) for log in folder.glob("*/run.jsonl")]
    last = max(datetime.fromisoformat(header["started"]) for header in headers)
    return last.date().isoformat()


def rows_of(name: str, sweep: dict) -> list[str]:
    """SAVED_RUN(...) of each run."""
    row, column, _ = SWEEPS[name]
    values = {axis["key"]: axis["values"] for axis in sweep["vary"]}
    rows = []
    for cell in sweep["cells"]:
        at = [number_of(key, cell["settings"][key], values[key]) for key in (row, column)]
        for run in cell["runs"]:
            lost = run["state"] == "diverged"
            loss = "NAN" if lost else f"{run['validation']['loss']:.6g}"
            rows.append(f"SAVED_RUN({name}, {at[0]}, {at[1]}, {run['seed']}, {loss})")
    return rows


def make(name: str, options: argparse.Namespace) -> list[str]:
    """The lines of one sweep."""
    words = ["sweep", *SWEEPS[name][2]]
    folder = options.folder / name
    print("ravine", shlex.join(words), flush=True)
    done = subprocess.run(
        [options.ravine, *words, "--json", "--jobs", str(options.jobs), "-o", folder],
        check=True,
        stdout=subprocess.PIPE,
    )
    told = [day_of(folder), describe(), "ravine " + shlex.join(words)]
    texts = ", ".join(json.dumps(text) for text in told)
    return [f"SAVED_SWEEP({name}, {texts})", *rows_of(name, json.loads(done.stdout))]


def main() -> None:
    """Make them all, then write."""
    parser = argparse.ArgumentParser(description="Makes the runs of figures (m) and (n) anew.")
    parser.add_argument("--ravine", type=Path, default=Path("build/ravine"))
    parser.add_argument("--folder", type=Path, default=Path("build/lecture-sweeps"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    lines = [line for name in SWEEPS for line in make(name, options)]
    TABLE.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
