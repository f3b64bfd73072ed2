# SPDX-License-Identifier: Apache-2.0
"""What makes the folder of a run in PyTorch."""

import json
from pathlib import Path

from outside import cases
from outside.observe import LogObserver
from outside.train import run


def make(case: cases.Case, seed: int, folder: Path) -> str:
    """Trains a case into a folder: run.jsonl, and summary.json for the truth."""
    summary = run(case.setup(), seed, observers=[LogObserver(folder / "run.jsonl")])
    (folder / "summary.json").write_text(json.dumps(summary))
    return f"{summary['loss_start']} -> {summary['loss_end']}"
