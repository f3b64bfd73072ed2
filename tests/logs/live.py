# SPDX-License-Identifier: Apache-2.0
"""The trainings of trainings.py, told while they run, by every way to watch: `make doctor-live`.

Prints a row for each way with the last verdict of each training; docs/logs_evidence.md has it above
what their logs tell afterwards. Which words are right: answers.py of the outside battery.
"""

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"  # before it is imported

import by_trainer
import ravine
import ravine.torch
import real
import torch
from ravine.integrations import huggingface, keras, lightning
from trainings import TRAININGS, Training, train

Way = Callable[[Path, Training], str]


def _quiet(found: ravine.Diagnosis) -> None:
    """Nothing is said while it trains."""


def by_loop(folder: Path, training: Training) -> str:
    """ravine.watch on the optimizer of PyTorch."""
    doctors: list[ravine.torch.Watch] = []
    train(training, lambda o, net: doctors.append(_watch(o, net)) or doctors[0])
    return doctors[0].diagnosis.verdict


def _watch(optimizer: torch.optim.Optimizer, net: torch.nn.Module) -> ravine.torch.Watch:
    return ravine.watch(optimizer, net, on_verdict=_quiet)


def by_ours(folder: Path, training: Training) -> str:
    """The same on ours, with the same settings."""

    def optimizer(parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        theirs = training.optimizer(parameters)
        names = {torch.optim.AdamW: ("lr", "weight_decay"), torch.optim.SGD: ("lr", "momentum")}
        given = {name: theirs.defaults[name] for name in names[type(theirs)]}
        return getattr(ravine.torch, type(theirs).__name__)(parameters, **given)

    return by_loop(folder, replace(training, optimizer=optimizer))


def by_callback(kind: type, run: Callable[..., None]) -> Way:
    """The callback of a framework."""

    def way(folder: Path, training: Training) -> str:
        callback = kind(on_verdict=_quiet)
        run(folder, training, callbacks=[callback])
        return callback.diagnosis.verdict

    return way


def hugging_face(folder: Path, training: Training, callbacks: by_trainer.Callbacks) -> None:
    by_trainer.hf(50, callbacks)(folder, training)


WAYS: dict[str, Way] = {
    "`ravine.watch`, torch.optim": by_loop,
    "`ravine.watch`, ravine.torch": by_ours,
    "callback, Trainer": by_callback(huggingface.RavineCallback, hugging_face),
    "callback, Lightning": by_callback(lightning.RavineCallback, by_trainer.lightning),
    "callback, Keras on PyTorch": by_callback(keras.RavineCallback, by_trainer.keras),
}


def main() -> None:
    """Prints the table."""
    warnings.simplefilter("ignore")
    names = [training.name for training in TRAININGS]
    print("\n| told by | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    grades: dict[str, int] = {}
    for name, way in WAYS.items():
        words = []
        for training in TRAININGS:
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
                words.append(way(Path(folder), training))
            log = real.Log("csv", training.name, Path(), None)
            grade = log.grade(words[-1])
            grades[grade] = grades.get(grade, 0) + 1
        shown = (word.upper().replace("_", " ") for word in words)
        print(f"| {name} | " + " | ".join(shown) + " |", flush=True)
    counted = ", ".join(f"{count} {grade}" for grade, count in sorted(grades.items()))
    print(f"\nOf {sum(grades.values())}: {counted}.")


if __name__ == "__main__":
    main()
