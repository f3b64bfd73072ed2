# SPDX-License-Identifier: Apache-2.0
"""The doctor who has a log alone: `ravine doctor` on a run folder."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from outside.ravine_runs import PROGRAM
from outside.ravine_runs import RULES as TEXTS
from outside.world import Setup

from asked.live import FACTS, Answer

STEP_KEYS = ["step", "loss", "lr", "grad_norm", "update_norm", "param_norm"]
# Four numbers of each parameter that LogObserver has, by their keys in a log of `ravine train`.
GROUP_KEYS = ["group_grad_norm", "group_update_norm", "group_param_norm", "group_zero_share"]


def ask(folder: Path) -> Answer:
    """What it says of FOLDER/run.jsonl.

    Raises:
        RuntimeError: it says nothing.
    """
    done = subprocess.run(
        [PROGRAM, "doctor", "--json", folder], capture_output=True, text=True, check=False
    )
    try:
        said = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise RuntimeError(f"{folder}: exit code {done.returncode}, {done.stderr}") from None
    cure = said["cures"][0]["text"] if said["cures"] else ""
    return Answer(said["step"], said["verdict"], said["confidence"], said["also"], cure)


def optimizer_text(setup: Setup) -> str:
    """The optimizer of a setup as a configuration of `ravine train` has it."""
    name, *own = TEXTS.get(setup.rule, setup.rule).split()
    settings = dict(setting.split("=") for setting in own) | {"lr": f"{setup.lr:g}"}
    for key, value in setup.options.items():
        if key == "betas":
            settings |= {f"beta{k}": f"{beta:g}" for k, beta in enumerate(value, 1)}
        else:
            settings[key] = str(value).lower() if isinstance(value, bool) else f"{value:g}"
    return " ".join([name, *(f"{key}={value}" for key, value in settings.items())])


def _as_ravine(lines: Iterator[dict[str, Any]], optimizer: str) -> Iterator[dict[str, Any]]:
    head = next(lines)
    yield {
        "type": "header",
        "format": 1,
        "total_steps": head["facts"]["steps"],
        "train_examples": head["facts"]["train_size"],
        "groups": [{"name": name, "size": size} for name, size in head["sizes"].items()],
        "facts": {fact: head["facts"][fact] for fact in FACTS if head["facts"][fact] is not None},
        "config": {"optimizer": optimizer},
    }
    for line in lines:
        step = {key: line[key] for key in STEP_KEYS}
        looked = line.get("parameters")
        if looked:
            columns = zip(*(looked[name] for name in head["sizes"]), strict=True)
            step |= dict(zip(GROUP_KEYS, map(list, columns), strict=True))
        yield step
        if line.get("val_loss") is not None:
            losses = {"train": {"loss": line["loss"]}, "test": {"loss": line["val_loss"]}}
            yield {"type": "epoch", "epoch": 1, "step": line["step"]} | losses


def as_run_folder(log: Path, optimizer: str, folder: Path) -> None:
    """Makes a run folder of what LogObserver wrote: loss, lr, norms, and no more than that."""
    folder.mkdir()
    with log.open() as lines, (folder / "run.jsonl").open("w") as file:
        for line in _as_ravine(map(json.loads, lines), optimizer):
            file.write(json.dumps(line) + "\n")


def said_live(folder: Path) -> list[Answer]:
    """What `ravine train` said while it ran: the events of its log, after "healthy" at first."""
    answers = [Answer(0, "healthy", None)]
    for line in map(json.loads, (folder / "run.jsonl").open()):
        if line.get("event") == "verdict":
            answers.append(Answer(line["step"], line["verdict"], line["confidence"]))
    return answers
