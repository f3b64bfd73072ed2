"""The same battery for the command: `ravine train`, a run folder each."""

import fnmatch
import functools
import json
import math
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outside import ravine_causes, ravine_data, runs
from outside.ravine_causes import Command
from outside.ravine_usual import RATES

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


@dataclass(frozen=True)
class Case:
    """One run of the command for each seed."""

    cause: str
    task: str
    rule: str
    strength: float | None = None

    @property
    def name(self) -> str:
        """As files and tables have it."""
        how = [] if self.strength is None else [f"{self.strength:g}"]
        return "-".join(["train", self.cause, *how, self.task, self.rule])

    @property
    def broken(self) -> bool:
        """Is there anything wrong with it?"""
        return self.cause in ravine_causes.BROKEN

    def command(self) -> Command:
        """What is asked of the command."""
        net = TASKS[self.task]
        made = Command(RULES[self.rule], RATES[self.task][self.rule], net.epochs, net.batch)
        made.keys |= net.keys
        ravine_causes.ALL[self.cause].change(made, self.strength or 0.0)
        return made

    def control(self) -> "Case":
        """The healthy run that it is compared with."""
        kind = ravine_causes.ALL[self.cause].control
        for other in _rows(kind):
            if (other.task, other.rule) == (self.task, self.rule):
                return other
        return Case(kind, self.task, self.rule)


def _rows(cause: str) -> Iterator[Case]:
    for strength, tasks, rules in ravine_causes.ALL[cause].rows:
        for task in tasks.split():
            for rule in rules.split():
                yield Case(cause, task, rule, strength)


def every() -> list[Case]:
    """All cases, controls among them, in a stable order."""
    written = [case for cause in ravine_causes.ALL for case in _rows(cause)]
    return list(dict.fromkeys([*written, *(case.control() for case in written)]))


def jobs_of(folder: Path, seeds: list[int], pattern: str) -> list[runs.Job]:
    """Of all cases whose name fits, seed by seed."""
    return [
        runs.Job(case.name, seed, folder / case.name / str(seed), functools.partial(make, case))
        for seed in seeds
        for case in every()
        if fnmatch.fnmatch(case.name, pattern)
    ]


def make(case: Case, job: runs.Job, folder: Path) -> str:
    """Runs the command into a folder: run/ is its own, summary.json is for the truth."""
    code = train(case.task, case.command(), job.seed, folder)
    summary = summarize(folder / "run/run.jsonl") | {"exit_code": code}
    (folder / "summary.json").write_text(json.dumps(summary))
    return f"exit {code}, {summary['loss_start']} -> {summary['loss_end']}"


def train(task: str, command: Command, seed: int, folder: Path) -> int:
    """Trains; the exit code."""
    keys = _files(task, command, seed, folder) | command.keys
    keys |= {
        "name": "run",
        "runs_dir": str(folder),
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
            [PROGRAM, "train", "--quiet", *settings], stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode not in (0, 4):
        raise RuntimeError(f"{settings}: {(folder / 'output.txt').read_text()}")
    return done.returncode


def _files(task: str, command: Command, seed: int, folder: Path) -> dict[str, str]:
    """Writes the data; the keys that name it."""
    draw = random.Random(f"{task} {seed}")
    source = TASKS[task].source
    if source == "images":
        paths = ravine_data.images(folder, seed)
        for path in paths[1::2] if command.spoils_test else paths[1:2]:
            labels = ravine_data.labels_of(path)
            for spoil in command.spoil:
                spoil(labels, draw)
            ravine_data.write_labels(path, labels)
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return {f"data.{name}": str(path) for name, path in zip(names, paths, strict=True)}
    made, task_kind = ravine_data.TABLES[source]
    table = made(draw)
    for spoil in command.spoil:
        spoil(table, draw)
    table.write(folder / "table.csv")
    return {
        "data.format": "csv",
        "data.file": str(folder / "table.csv"),
        "data.target": table.header[-1],
        "data.task": task_kind,
    }


def summarize(log: Path) -> dict[str, Any]:
    """What train.run() returns, as far as a log has it; losses are those of the epochs."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line for line in lines if "type" not in line]
    epochs = [line for line in lines if line.get("type") == "epoch"]
    lost = [line["step"] for line in steps if line["loss"] is None]
    lost += [x["step"] for x in lines if x.get("event") in ("nonfinite", "diverged")]
    first = steps[0]["loss"]
    looks = [{"step": 0, "own": first, "clean": first, "fixed": first}]
    for line in epochs:
        test, training = line["test"]["loss"], line["train"]["loss"]
        looks.append({"step": line["step"], "own": test, "clean": test, "fixed": training})
    if lost:
        looks.append({"step": steps[-1]["step"], "own": None, "clean": None, "fixed": None})
    return {
        "steps": steps[-1]["step"],
        "first_nonfinite": min(lost) if lost else None,
        "loss_start": first,
        "loss_end": looks[-1]["fixed"],
        "middle": None,
        "constant_loss": None,
        "loss_zero": sum(line["loss"] == 0 for line in steps),
        "looks": looks,
        "moved": {},
        "sizes": {},
        "seconds": round(steps[-1]["seconds"], 2),
    }


def grid(task: str, rule: str, lr: float, seed: int, folder: Path) -> float:
    """The test loss at the end of a run at a rate."""
    net = TASKS[task]
    command = Command(RULES[rule], lr, net.epochs, net.batch)
    command.keys |= net.keys
    train(task, command, seed, folder)
    end = summarize(folder / "run/run.jsonl")["looks"][-1]["clean"]
    return math.inf if end is None else end
