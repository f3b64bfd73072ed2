# SPDX-License-Identifier: Apache-2.0
"""Peers that read a log: each takes the columns of a run and returns its answers, best first.

The log has a row a step: step, train_loss, lr, grad_norm, update_ratio and, every 64 steps,
val_loss. A peer that wants a row an epoch gets the mean of every 64 steps as one.
"""

import tempfile

import pandas as pd

EPOCH = 64


def by_epoch(log: pd.DataFrame) -> pd.DataFrame:
    """One row for every 64 steps: means, and the validation loss at their beginning."""
    rows = log.groupby(log.index // EPOCH)
    epochs = rows[["train_loss", "lr", "grad_norm"]].agg(lambda part: part.mean(skipna=False))
    epochs["val_loss"] = rows["val_loss"].first()
    return epochs.reset_index(drop=True).dropna(subset=["val_loss"])


def training_doctor(log: pd.DataFrame, path: str) -> list[str]:
    import training_doctor as peer

    doctor = peer.Doctor()
    for row in log.itertuples():
        metrics = {"loss": row.train_loss, "lr": row.lr, "grad_norm": row.grad_norm}
        if pd.notna(row.val_loss):
            metrics["val_loss"] = row.val_loss
        doctor.log(int(row.step), **metrics)
    found = sorted(doctor.diagnoses, key=lambda d: -d.confidence)
    return [d.problem + " | " + "; ".join(e.observation for e in d.evidence) for d in found]


def gradsnitch(log: pd.DataFrame, path: str) -> list[str]:
    import gradsnitch as peer

    found = sorted(peer.lint(log.copy()), key=lambda f: f.severity != "error")
    return [f"{f.code} {f.name}" for f in found]


def sk_autod(log: pd.DataFrame, path: str) -> list[str]:
    import sk_autod as peer

    epochs = by_epoch(log)
    try:
        report = peer.diagnose(list(epochs["train_loss"]), list(epochs["val_loss"]))
    except ValueError as error:
        return [str(error)]
    return [f.detector_name for f in report.findings]


def runmedic(log: pd.DataFrame, path: str) -> list[str]:
    from runmedic import checks, loaders, roles

    run = loaders.load(path)[0]
    found = checks.run_checks(run, roles.detect(run))
    return [f.check for f in found if f.severity != "info" or f.check == "constant_lr_plateau"]


def mldoct(log: pd.DataFrame, path: str) -> list[str]:
    from mldoctor import advisor

    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        by_epoch(log).to_csv(file.name, index_label="epoch")
        result = advisor.diagnose_csv(file.name)
    insights = [i.replace("*", "") for i in result["insights"]]
    return [str(result["label"]), *insights]


PEERS = {
    "training-doctor": training_doctor,
    "gradsnitch": gradsnitch,
    "sk-autod": sk_autod,
    "runmedic": runmedic,
    "mldoct": mldoct,
}
