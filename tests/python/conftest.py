"""One short run of `ravine train`, whose files several tests read with other people's software."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RAVINE = (ROOT / os.environ.get("RAVINE_BUILD", "build") / "ravine").resolve()
SETTINGS = {
    "name": "energy",
    "epochs": 2,
    "log_every": 1,
    "data.format": "csv",
    "data.file": ROOT / "examples/data/energy.csv",
    "data.target": "kwh",
    "data.task": "regression",
    "model.widths": "[16]",
}


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """The folder of a finished run: 1,600 homes to train on, 13 steps an epoch."""
    folder = tmp_path_factory.mktemp("runs")
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    subprocess.run(
        [RAVINE, "train", *settings, f"--set=runs_dir={folder}", "--quiet"],
        check=True,
        timeout=120,
    )
    return folder / SETTINGS["name"]
