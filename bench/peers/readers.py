# SPDX-License-Identifier: Apache-2.0
"""Tools of PyPI that read a log, asked about the columns of a run; findings, most severe first.

The log has a row a step: step, train_loss, lr, grad_norm, update_ratio, and val_loss where it was
measured. Of arc-training, which is made to sit beside a training, those
parts are asked that need no more than a log: its detectors of silent failures and of drifts, and
its rule that a loss that is not finite is a failure.
"""

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from meanings import Finding


def gradsnitch(log: pd.DataFrame, path: Path) -> list[Finding]:
    import gradsnitch as peer

    found = sorted(peer.lint(log.copy()), key=lambda f: f.severity != "error")
    return [Finding(f"{f.code} {f.name}", f.severity == "info") for f in found]


def runmedic(log: pd.DataFrame, path: Path) -> list[Finding]:
    from runmedic import checks, loaders, roles

    run = loaders.load(str(path))[0]
    rank = {"critical": 0, "warning": 1, "info": 2}
    found = checks.run_checks(run, roles.detect(run))
    found.sort(key=lambda f: rank.get(f.severity, 3))
    return [Finding(f.check, f.severity == "info") for f in found]


def trainspotter(log: pd.DataFrame, path: Path) -> list[Finding]:
    from trainspotter.detectors import run_all
    from trainspotter.readers.tabular import read_csv

    run = read_csv(path)
    run.finalize()
    return [Finding(f.title, f.severity == "info") for f in run_all(run)]


def losslint(log: pd.DataFrame, path: Path) -> list[Finding]:
    from losslint.checks import run_all_checks
    from losslint.parsing import load_run

    rank = {"error": 0, "warning": 1, "info": 2}
    found = sorted(run_all_checks(load_run(path)), key=lambda f: rank.get(f.severity, 3))
    return [Finding(f.check, f.severity == "info") for f in found]


def trainproof(log: pd.DataFrame, path: Path) -> list[Finding]:
    from trainproof.epoch import check_epoch

    names = {"loss": "train_loss", "eval_loss": "val_loss"}
    found = check_epoch(path, "csv", names)["findings"]
    rank = {"FAIL": 0, "WARN": 1}
    found.sort(key=lambda f: rank.get(f["level"], 2))
    return [Finding(f["id"], f["level"] not in rank) for f in found]


def arc_training(log: pd.DataFrame, path: Path) -> list[Finding]:
    import torch
    from arc.signals.silent_detector import SilentCrashDetector, SilentDetectorConfig
    from arc.signals.trend import TrendDetector

    silent = SilentCrashDetector(SilentDetectorConfig(verbose=False))
    trend = TrendDetector()
    said: dict[str, None] = {}
    for row in log.itertuples():
        if not math.isfinite(row.train_loss):
            said["nan_loss"] = None
            continue
        held = None if math.isnan(row.val_loss) else row.val_loss
        gradients = [torch.tensor(row.grad_norm)] if math.isfinite(row.grad_norm) else None
        found = silent.check(loss=row.train_loss, val_loss=held, gradients=gradients)
        if found.detected:
            said[found.failure_type.name] = None
        drift = trend.update(loss=row.train_loss, grad_norm=row.grad_norm)
        said |= {"loss drifts": None} if drift.loss_drifting else {}
        said |= {"grad drifts": None} if drift.grad_drifting else {}
    return [Finding(text) for text in sorted(said, key=lambda text: text != "nan_loss")]


TOOLS: dict[str, Callable[[pd.DataFrame, Path], list[Finding]]] = {
    "gradsnitch": gradsnitch,
    "runmedic": runmedic,
    "trainspotter": trainspotter,
    "losslint": losslint,
    "trainproof": trainproof,
    "arc-training": arc_training,
}
