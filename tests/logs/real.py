# SPDX-License-Identifier: Apache-2.0
"""The logs of real.tar.xz: where each lies, what is wrong with its training, what our doctor says.

answers.py of the outside battery says which words are right for a cause, for us as for other tools;
it is older than these logs.
"""

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ARCHIVE = Path(__file__).parent / "real.tar.xz"
PROGRAM = Path(os.environ.get("RAVINE_BUILD", ROOT / "build")) / "ravine"

sys.path.insert(0, str(ROOT / "tests/doctor"))
from outside.answers import UNCLEAR, judge  # noqa: E402

#: The cause of answers.py that is behind a training of trainings.py; of a fine one none.
CAUSES = {
    "healthy": "",
    "diverged": "rate_too_high",
    "crawling": "rate_too_low",
    "flat": "labels_shuffled",
    "overfitting": "few_examples",
    "lr_zero": "rate_zero",
}

#: Who wrote it, in which format, and where a training's log is; "#" is before the run of a store.
FORMATS = {
    "csv": ("a loop", "CSV", "csv/{}.csv"),
    "jsonl": ("a loop", "JSON lines", "jsonl/{}.jsonl"),
    "swift": ("a loop", "as ms-swift has it", "swift/{}.jsonl"),
    "tensorboard": ("torch.utils.tensorboard", "simple values", "tensorboard/{}"),
    "tensorboard_tensor": ("tensorboard", "tensors, as Keras has it", "tensorboard_tensor/{}"),
    "wandb": ("wandb, offline", ".wandb", "wandb/{}.wandb"),
    "mlflow": ("MLflow", "SQLite", "mlflow/mlflow.db#{}"),
    "mlflow_files": ("MLflow", "files", "mlflow_files/mlruns#{}"),
    "trackio": ("Trackio", "SQLite", "trackio/ravine.db#{}"),
    "hf": ("Trainer", "single steps", "hf/{}/trainer_state.json"),
    "hf_10": ("Trainer", "means of 10", "hf_10/{}/trainer_state.json"),
    "hf_50": ("Trainer", "means of 50", "hf_50/{}/trainer_state.json"),
    "hf_tensorboard": ("Trainer", "TensorBoard", "hf_tensorboard/{}"),
    "lightning": ("Lightning", "CSVLogger", "lightning/lightning/{}/metrics.csv"),
    "lightning_tensorboard": ("Lightning", "TensorBoard", "lightning/lightning_tensorboard/{}"),
    "keras": ("Keras", "CSVLogger, 20 epochs", "keras/{}.csv"),
}


@dataclass(frozen=True)
class Log:
    """One log."""

    format: str
    training: str
    path: Path
    run: str | None  # of a store

    @property
    def broken(self) -> bool:
        """Is the training?"""
        return self.training != "healthy"

    def grade(self, word: str) -> str:
        """right, near, wrong, unclear or silent; of a fine one right or alarm."""
        return judge(CAUSES[self.training], self.broken, word)


def unpack(folder: Path) -> list[Log]:
    """Every log, below `folder`."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder)
    logs = []
    for name, (_, _, place) in FORMATS.items():
        for training in CAUSES:
            path, *run = place.format(training).split("#")
            logs.append(Log(name, training, folder / path, run[0] if run else None))
    return logs


def ask(log: Log) -> dict[str, Any]:
    """What `ravine doctor --json` says.

    Raises:
        RuntimeError: it does not.
    """
    choice = ["--run", log.run] if log.run else []
    command = [PROGRAM, "doctor", log.path, *choice, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


__all__ = ["CAUSES", "FORMATS", "UNCLEAR", "Log", "ask", "unpack"]
