# SPDX-License-Identifier: Apache-2.0
"""Logs of a plain loop, written by the loggers that people call in it."""

import csv
import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from trainings import STEPS, VALIDATE_EVERY, Row, Training

Writer = Callable[[Path, Training, list[Row]], None]


def _metrics(row: Row) -> dict[str, float]:
    metrics = {"train/loss": row.loss, "train/lr": row.lr, "train/grad_norm": row.grad_norm}
    return metrics if row.val_loss is None else metrics | {"val/loss": row.val_loss}


def plain_csv(folder: Path, training: Training, rows: list[Row]) -> None:
    with (folder / f"{training.name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "lr", "grad_norm", "val_loss"])
        writer.writerows(dataclasses.astuple(row) for row in rows)


def plain_jsonl(folder: Path, training: Training, rows: list[Row]) -> None:
    with (folder / f"{training.name}.jsonl").open("w") as file:
        for row in rows:
            file.write(json.dumps(_metrics(row) | {"step": row.step}) + "\n")


def swift_jsonl(folder: Path, training: Training, rows: list[Row]) -> None:
    """The shape of ms-swift's logging.jsonl: the step is a text, losses are means of five steps."""
    with (folder / f"{training.name}.jsonl").open("w") as file:
        for first in range(0, STEPS, 5):
            part = rows[first : first + 5]
            last = part[-1]
            line: dict[str, float | str] = {
                "loss": round(sum(row.loss for row in part) / len(part), 8),
                "grad_norm": round(last.grad_norm, 8),
                "learning_rate": last.lr,
                "epoch": round(last.step / STEPS, 8),
                "global_step/max_steps": f"{last.step}/{STEPS}",
                "percentage": f"{100 * last.step / STEPS:.2f}%",
                "elapsed_time": f"{last.step // 20}s",
            }
            file.write(json.dumps(line) + "\n")
            if last.val_loss is not None:
                held = {"eval_loss": last.val_loss, "eval_runtime": 0.1, "epoch": line["epoch"]}
                step = {"global_step/max_steps": line["global_step/max_steps"]}
                file.write(json.dumps(held | step) + "\n")


def torch_tensorboard(folder: Path, training: Training, rows: list[Row]) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder / training.name))
    for row in rows:
        for key, value in _metrics(row).items():
            writer.add_scalar(key, value, row.step)
    writer.close()


def tensor_tensorboard(folder: Path, training: Training, rows: list[Row]) -> None:
    """As Keras and TensorFlow 2 write it: tensors of the plugin "scalars", a folder a part.

    Names of epochs count epochs, here of 50 steps, and those of batches count batches.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    train, held = (
        EventFileWriter(str(folder / training.name / part)) for part in ("train", "validation")
    )

    def write(writer: EventFileWriter, row: Row, step: int, tag: str, value: float) -> None:
        time = 1_700_000_000 + 0.01 * row.step
        writer.add_event(Event(wall_time=time, step=step, summary=scalar_pb(tag, value)))

    for row in rows:
        write(train, row, row.step, "batch_loss", row.loss)
        if row.val_loss is not None:
            epoch = row.step // VALIDATE_EVERY - 1
            write(train, row, epoch, "epoch_loss", row.loss)
            write(train, row, epoch, "epoch_learning_rate", row.lr)
            write(held, row, epoch, "epoch_loss", row.val_loss)
            write(held, row, row.step, "evaluation_loss_vs_iterations", row.val_loss)
    train.close()
    held.close()


def wandb_offline(folder: Path, training: Training, rows: list[Row]) -> None:
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    import wandb

    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True)
    run = wandb.init(project="ravine", name=training.name, dir=scratch, settings=settings,
                     config={"lr": rows[0].lr})  # fmt: skip
    for row in rows:
        run.log(_metrics(row), step=row.step)
    run.finish()
    (found,) = scratch.glob("wandb/offline-run-*/*.wandb")
    shutil.move(found, folder / f"{training.name}.wandb")
    shutil.rmtree(scratch)


def _mlflow(uri: str, training: Training, rows: list[Row]) -> None:
    import mlflow
    from mlflow.entities import Metric

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("ravine")
    client = mlflow.MlflowClient()
    with mlflow.start_run(run_name=training.name) as run:
        metrics = [
            Metric(key.replace("train/", ""), value, 1_700_000_000_000 + 50 * row.step, row.step)
            for row in rows
            for key, value in _metrics(row).items()
        ]
        for first in range(0, len(metrics), 1000):
            client.log_batch(run.info.run_id, metrics[first : first + 1000])


def mlflow_sqlite(folder: Path, training: Training, rows: list[Row]) -> None:
    """One store with every run."""
    _mlflow(f"sqlite:///{folder.absolute()}/mlflow.db", training, rows)


def mlflow_files(folder: Path, training: Training, rows: list[Row]) -> None:
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # it is being given up
    _mlflow(f"file://{folder.absolute()}/mlruns", training, rows)


def trackio_sqlite(folder: Path, training: Training, rows: list[Row]) -> None:
    """One store with every run."""
    os.environ["TRACKIO_DIR"] = str(folder.absolute())
    import trackio

    trackio.init(project="ravine", name=training.name, embed=False)
    for row in rows:
        trackio.log(_metrics(row), step=row.step)
    trackio.finish()


WRITERS: dict[str, Writer] = {
    "csv": plain_csv,
    "jsonl": plain_jsonl,
    "swift": swift_jsonl,
    "tensorboard": torch_tensorboard,
    "tensorboard_tensor": tensor_tensorboard,
    "wandb": wandb_offline,
    "mlflow": mlflow_sqlite,
    "mlflow_files": mlflow_files,
    "trackio": trackio_sqlite,
}
