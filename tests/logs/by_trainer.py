# SPDX-License-Identifier: Apache-2.0
"""Logs of the three trainers that bring their own loop: HF, Lightning, Keras on PyTorch."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from trainings import BATCH, SEED, STEPS, VALIDATE_EVERY, Training, examples_of, make_net

Writer = Callable[[Path, Training], None]
Callbacks = Sequence[Any]  # of the trainer in question, beside its own


def _hugging_face(
    folder: Path, training: Training, every: int, *report_to: str, callbacks: Callbacks = ()
) -> None:
    import transformers

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = make_net()

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / training.name)
    sets = [
        [{"x": x, "labels": y} for x, y in zip(*part, strict=True)]
        for part in examples_of(training)
    ]
    net = Net()
    optimizer = training.optimizer(list(net.parameters()))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, training.schedule)
    options = transformers.TrainingArguments(
        output_dir=str(folder / training.name),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=500,
        logging_steps=every,
        eval_strategy="steps",
        eval_steps=VALIDATE_EVERY,
        save_strategy="no",
        max_grad_norm=1e9,  # nothing is clipped, and the norm is logged
        report_to=list(report_to),
        disable_tqdm=True,
        seed=SEED,
        use_cpu=True,
    )
    trainer = transformers.Trainer(net, options, train_dataset=sets[0], eval_dataset=sets[1],
                                   optimizers=(optimizer, schedule),
                                   callbacks=list(callbacks))  # fmt: skip
    trainer.train()
    if not report_to:
        trainer.save_state()


def hf(every: int, callbacks: Callbacks = ()) -> Writer:
    """Losses are means of `every` steps."""
    return lambda folder, training: _hugging_face(folder, training, every, callbacks=callbacks)


def hf_tensorboard(folder: Path, training: Training) -> None:
    _hugging_face(folder, training, 1, "tensorboard")


def lightning(folder: Path, training: Training, callbacks: Callbacks = ()) -> None:
    import lightning
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = make_net()

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
            self.log("val_loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

        def configure_optimizers(self) -> dict[str, object]:
            optimizer = training.optimizer(list(self.parameters()))
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, training.schedule)
            return {"optimizer": optimizer,
                    "lr_scheduler": {"scheduler": schedule, "interval": "step"}}  # fmt: skip

    train, held = (TensorDataset(*part) for part in examples_of(training))
    lightning.seed_everything(SEED, verbose=False)
    trainer = lightning.Trainer(
        max_steps=STEPS,
        val_check_interval=VALIDATE_EVERY,
        check_val_every_n_epoch=None,
        log_every_n_steps=1,
        logger=[
            CSVLogger(str(folder), name="lightning", version=training.name),
            TensorBoardLogger(str(folder), name="lightning_tensorboard", version=training.name),
        ],
        callbacks=[LearningRateMonitor("step"), *callbacks],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    trainer.fit(Net(), DataLoader(train, BATCH, shuffle=True), DataLoader(held, 500))


def keras(folder: Path, training: Training, callbacks: Callbacks = ()) -> None:
    """A row every 20 steps, which Keras takes for an epoch."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    keras.utils.set_random_seed(SEED)
    rate = training.optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"]
    (x, y), held = examples_of(training)
    net = keras.Sequential(
        [keras.layers.Dense(64, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    )
    is_adam = isinstance(training.optimizer([nn.Parameter(torch.zeros(1))]), torch.optim.AdamW)
    net.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=0.01) if is_adam
        else keras.optimizers.SGD(rate, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )  # fmt: skip

    class Schedule(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            step = int(self.model.optimizer.iterations)
            self.model.optimizer.learning_rate = rate * training.schedule(step)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if logs is not None:
                logs["learning_rate"] = float(self.model.optimizer.learning_rate)

    order = torch.Generator().manual_seed(SEED)

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return STEPS

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
            chosen = torch.randint(len(x), (BATCH,), generator=order)
            return x[chosen], y[chosen]

    net.fit(
        Batches(),
        steps_per_epoch=20,
        epochs=STEPS // 20,
        validation_data=held,
        verbose=0,
        callbacks=[
            Schedule(),
            keras.callbacks.CSVLogger(str(folder / f"{training.name}.csv")),
            *callbacks,
        ],
    )


def tidy(folder: Path) -> None:
    """Leaves the logs alone."""
    for path in folder.rglob("training_args.bin"):
        path.unlink()
    shutil.rmtree(folder / "runs", ignore_errors=True)


WRITERS: dict[str, Writer] = {
    "hf": hf(1),
    "hf_10": hf(10),
    "hf_50": hf(50),
    "hf_tensorboard": hf_tensorboard,
    "lightning": lightning,
    "keras": keras,
}
