# SPDX-License-Identifier: Apache-2.0
"""The same battery for the command: `ravine train`, a run folder each."""

import json
import math
import os
import random
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outside import ravine_causes, ravine_data
from outside.cause import Row
from outside.ravine_causes import Command
from outside.ravine_usual import RATES
from outside.train import quarters

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "build/ravine"
RULES = {
    "sgd": "sgd",
    "momentum": "sgd momentum=0.9",
    "adam": "adam",
    "adamw": "adamw weight_decay=0.01",
    "rmsprop": "rmsprop",
    "adagrad_mean": "adagrad_mean",
    "lion": "lion",
    "adan": "adan",
}


@dataclass(frozen=True)
class Net:
    """What `ravine train` is asked to learn, and for how long."""

    source: str  # a table of ravine_data, or images
    keys: dict[str, str] = field(default_factory=dict)
    epochs: int = 20
    batch: int = 32


TASKS = {
    "energy": Net("energy", {"model.widths": "[64,32]"}),
    "classes": Net("classes", {"model.widths": "[32]", "model.activation": "tanh"}, 16),
    "prices": Net("prices", {"model.widths": "[48,24]", "model.activation": "gelu"}, 16),
    "mlp": Net("images", {"model.widths": "[64,32]"}, 8, 64),
    "cnn": Net(
        "images", {"model.name": "cnn", "model.widths": "[6,12]", "model.dense": "32"}, 4, 32
    ),
    "resnet": Net(
        "images",
        {"model.name": "resnet", "model.widths": "[6,12]", "model.norm": "batch"},
        3,
        32,
    ),
}


class Case(Row):
    """A run of the command."""

    prefix = ["train"]
    broken_causes = ravine_causes.BROKEN
    healthy_kinds = ravine_causes.HEALTHY

    def command(self) -> Command:
        """What is asked of it."""
        made = usual(self.task, self.rule)
        self.what.change(made, self.strength or 0.0)
        return made


def usual(task: str, rule: str) -> Command:
    """The settings that usually learn a task."""
    net = TASKS[task]
    made = Command(RULES[rule], RATES[task][rule], net.epochs, net.batch)
    made.keys |= net.keys
    return made


def make(case: Case, seed: int, folder: Path) -> str:
    """Runs the command into a folder: run/ is its own, summary.json is for the truth."""
    summary = train(case.task, case.command(), seed, folder)
    (folder / "summary.json").write_text(json.dumps(summary))
    return f"exit {summary['exit_code']}, {summary['loss_start']} -> {summary['loss_end']}"


def train(task: str, command: Command, seed: int, folder: Path) -> dict[str, Any]:
    """Trains; what summarize() says, and the exit code.

    Paths in the run's configuration are relative to the folder, which may be moved.
    """
    keys, constant = _files(task, command, seed, folder)
    keys |= command.keys
    keys |= {
        "name": "run",
        "runs_dir": ".",
        "seed": str(seed),
        "threads": "1",
        "checkpoint.keep": "1",
        "checkpoint.best": "false",
        "epochs": str(command.epochs),
        "batch_size": str(command.batch),
        "optimizer": command.optimizer(),
    }
    if command.schedule:
        keys["schedule.lr"] = f"{command.schedule} lr={command.lr:g}"
    settings = [f"--set={key}={value}" for key, value in keys.items()]
    with (folder / "output.txt").open("w") as output:
        done = subprocess.run(
            [PROGRAM, "train", "--quiet", *settings],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode not in (0, 4):
        raise RuntimeError(f"{settings}: {(folder / 'output.txt').read_text()}")
    return summarize(folder / "run/run.jsonl", constant) | {"exit_code": done.returncode}


def _files(task: str, command: Command, seed: int, folder: Path) -> tuple[dict[str, str], float]:
    """Writes the data; the keys that name it, and the loss of the best constant prediction."""
    draw = random.Random(f"{task} {seed}")
    source = TASKS[task].source

    def spoil(table: ravine_data.Table, test: bool = False) -> None:
        if command.spoils_test or not test:
            for change in command.spoil:
                change(table, draw)

    if source == "images":
        shared = folder.parent.parent / ".images"
        paths = ravine_data.images(folder, shared, seed, command.images, spoil)
        names = ("train_images", "train_labels", "test_images", "test_labels")
        keys = {
            f"data.{name}": os.path.relpath(path, folder)
            for name, path in zip(names, paths, strict=True)
        }
        return keys, math.log(10)
    made, kind = ravine_data.TABLES[source]
    table = made(draw)
    spoil(table)
    table.write(folder / "table.csv")
    return {
        "data.format": "csv",
        "data.file": "table.csv",
        "data.target": table.header[-1],
        "data.task": kind,
    }, table.constant() if kind == "classification" else 1.0


def summarize(log: Path, constant: float) -> dict[str, Any]:
    """What train.run() returns, as far as a log has it.

    Looks are the epochs; for the look at the start, which a log has not, stands the constant.
    """
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line for line in lines if "type" not in line]
    epochs = [line for line in lines if line.get("type") == "epoch" and line["epoch"] > 0]
    lost = [line["step"] for line in steps if line["loss"] is None]
    lost += [x["step"] for x in lines if x.get("event") in ("nonfinite", "diverged")]
    looks = [{"step": 0, "own": constant, "clean": constant, "fixed": constant}]
    for line in epochs:
        held, training = line["validation"]["loss"], line["train"]["loss"]
        looks.append({"step": line["step"], "own": held, "clean": held, "fixed": training})
    if lost:
        looks.append({"step": steps[-1]["step"], "own": None, "clean": None, "fixed": None})
    losses = [math.inf if line["loss"] is None else line["loss"] for line in steps]
    late = losses[len(losses) // 2 :]
    return {
        "steps": steps[-1]["step"],
        "first_nonfinite": min(lost) if lost else None,
        "loss_start": steps[0]["loss"],
        "loss_end": None if lost else statistics.mean(losses[-max(1, len(losses) // 16) :]),
        "quarters": [None, None] if lost else [statistics.mean(q) for q in quarters(losses)],
        "middle": None,
        "median": statistics.median(late),
        "largest": max(late),
        "constant_loss": constant,
        "loss_zero": losses.count(0.0),
        "looks": looks,
        "moved": {},
        "sizes": {},
        "seconds": round(steps[-1]["seconds"], 2),
    }
