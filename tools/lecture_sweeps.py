#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the runs of the lecture's figures (m) and (n) and writes what they came to.

    tools/lecture_sweeps.py [--ravine build/ravine] [--folder build/lecture-sweeps] [--jobs 2]
        [--only NAME ...]

writes app/lecture/sweeps.def, from which `ravine lecture` draws. A run that is in the folder
already is not made again; the date is that of the last run. With --only the lines of the other
sweeps stay as they are.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import describe

TABLE = Path(__file__).parents[1] / "app/lecture/sweeps.def"
HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* sweeps.def - what the sweeps of figures (m) and (n) came to. Written by tools/lecture_sweeps.py.
 * Whoever includes it defines what it takes of these:
 *
 * SAVED_SWEEP(name, day of its last run, machine, command)
 * SAVED_RUN(name, row, column, seed, validation loss at the best epoch; NAN: it diverged)
 * SAVED_TARGET(name, training loss that is waited for)
 * SAVED_STEPS(name, row, column, seed, steps to that loss): of the runs that came to it
 * SAVED_NOISE(name, row, seed, step, noise scale there in examples; INFINITY: no signal) */
/* clang-format off */
#ifndef SAVED_SWEEP
#define SAVED_SWEEP(...)
#endif
#ifndef SAVED_RUN
#define SAVED_RUN(...)
#endif
#ifndef SAVED_TARGET
#define SAVED_TARGET(...)
#endif
#ifndef SAVED_STEPS
#define SAVED_STEPS(...)
#endif
#ifndef SAVED_NOISE
#define SAVED_NOISE(...)
#endif
"""
TAIL = "".join(f"#undef SAVED_{kind}\n" for kind in ("SWEEP", "RUN", "TARGET", "STEPS", "NOISE"))
CONFIGS = "examples/sweeps/"
RATES = [f"{CONFIGS}rate_batch.yaml"]
BATCHES = ["--vary", "batch_size=16,64,256,1024", "--seeds", "2"]
# Which training loss a batch is to come to, as the mean over so many examples in a row.
TARGET, MEAN_OVER = 0.5, 8192
WAITED_FOR = ("rate_sgd", "rate_adam", "noise")
# Where the noise is measured: batches so large that a few of them find the gradient, at the best
# rates of the maps, and every so many steps.
NOISE_BATCH = 1024
BEST = "sgd momentum=0.9 lr=0.1,adam lr=0.01"
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
    "noise": (
        "optimizer",
        "optimizer",
        [
            *(*RATES, "--set", f"batch_size={NOISE_BATCH}", "--set", "checkpoint.steps=10"),
            *("--set", "checkpoint.keep=100", "--vary", f"optimizer={BEST}", "--seeds", "2"),
        ],
    ),
    "resnet": (
        "lr",
        "schedule.lr",
        [
            f"{CONFIGS}warmup_resnet.yaml",
            *("--vary", "lr=0.3,1,3", "--vary", f"schedule.lr={RESNET}", "--seeds", "3"),
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
    return str(values.index(text)) if text[0].isalpha() else text


def day_of(folder: Path) -> str:
    """When the last run of a sweep began."""
    headers = [json.loads(log.open().readline()) for log in folder.glob("*/run.jsonl")]
    last = max(datetime.fromisoformat(header["started"]) for header in headers)
    return last.date().isoformat()


def steps_to(log: Path, batch: int) -> int | None:
    """The first step around which the losses of MEAN_OVER examples have the mean TARGET."""
    rows = [json.loads(line) for line in log.open()]
    losses = [row["loss"] for row in rows if "type" not in row]
    width = MEAN_OVER // batch
    for first in range(len(losses) - width + 1):
        window = losses[first : first + width]
        if None not in window and sum(window) <= TARGET * width:
            return first + width // 2
    return None


def noise_at(run: Path, checkpoint: Path | None, ravine: Path) -> float:
    """The noise scale in examples, as a probe of a checkpoint finds it; None: of the start."""
    with TemporaryDirectory() as place:
        log = Path(shutil.copy(run / "run.jsonl", place))
        if checkpoint:
            (log.parent / "checkpoints").mkdir()
            shutil.copy(checkpoint, log.parent / "checkpoints")
        words = [ravine, "doctor", place, "--probe", "--full"]
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        found = json.loads(log.read_text().splitlines()[-1])  # where the doctor keeps a probe
    scale = found["probe"]["noise_scale"]
    return float("inf") if scale is None else scale * NOISE_BATCH


def noise_rows(run: Path, at: str, ravine: Path) -> list[str]:
    """SAVED_NOISE(...) of each checkpoint, and of the start."""
    steps = {int(re.sub(r"\D", "", p.stem)): p for p in run.glob("checkpoints/step*.safetensors")}
    rows = []
    for step in [0, *sorted(steps)]:
        scale = noise_at(run, steps.get(step), ravine)
        text = "INFINITY" if scale == float("inf") else f"{scale:.6g}"
        rows.append(f"SAVED_NOISE({at}, {step}, {text})")
    return rows


def rows_of(name: str, sweep: dict, options: argparse.Namespace) -> list[str]:
    """What each run came to."""
    row, column, _ = SWEEPS[name]
    values = {axis["key"]: axis["values"] for axis in sweep["vary"]}
    rows, steps = [], []
    for cell in sweep["cells"]:
        at = [number_of(key, cell["settings"][key], values[key]) for key in (row, column)]
        for run in cell["runs"]:
            folder = Path(run["run"])
            where = f"{name}, {at[0]}, {at[1]}, {run['seed']}"
            lost = run["state"] == "diverged"
            loss = "NAN" if lost else f"{run['validation']['loss']:.6g}"
            rows.append(f"SAVED_RUN({where}, {loss})")
            if name in WAITED_FOR:
                batch = NOISE_BATCH if name == "noise" else int(at[0])
                step = steps_to(folder / "run.jsonl", batch)
                steps += [f"SAVED_STEPS({where}, {step})"] if step else []
            if name == "noise":
                rows += noise_rows(folder, f"{name}, {at[0]}, {run['seed']}", options.ravine)
    return [*rows, *([f"SAVED_TARGET({name}, {TARGET})", *steps] if steps else [])]


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
    return [f"SAVED_SWEEP({name}, {texts})", *rows_of(name, json.loads(done.stdout), options)]


def kept(name: str) -> list[str]:
    """The lines of a sweep as they stand in the table."""
    return re.findall(rf"^SAVED_\w+\({name}, .*\)$", TABLE.read_text(), re.M)


def main() -> None:
    """Make them, then write."""
    parser = argparse.ArgumentParser(description="Makes the runs of figures (m) and (n) anew.")
    parser.add_argument("--ravine", type=Path, default=Path("build/ravine"))
    parser.add_argument("--folder", type=Path, default=Path("build/lecture-sweeps"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=SWEEPS, default=list(SWEEPS), metavar="NAME")
    options = parser.parse_args()
    lines = []
    for name in SWEEPS:
        lines += make(name, options) if name in options.only else kept(name)
    TABLE.write_text(HEAD + "\n".join(lines) + "\n" + TAIL)


if __name__ == "__main__":
    main()
