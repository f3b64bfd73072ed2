# SPDX-License-Identifier: Apache-2.0
"""The doctor in the Trainer of Lightning.

from ravine.integrations.lightning import RavineCallback

trainer = Trainer(..., callbacks=[RavineCallback()])
"""

import functools
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ravine._diagnosis import Diagnosis
from ravine.integrations._beside import Beside, Spoken, Words, numbers_of
from ravine.integrations._needs import needs
from ravine.torch._watch import unwrapped, watch

with needs("lightning"):
    try:
        from lightning.pytorch import Callback, Trainer
    except ModuleNotFoundError:
        from pytorch_lightning import Callback, Trainer  # the same under its older name

ADVICE = {
    "loss": "a training_step of manual optimization calls self.manual_backward(loss)",
    "losses": "a training_step of manual optimization calls self.manual_backward(loss)",
    "validation": "self.log('val_loss', loss) in validation_step, "
    "or RavineCallback(validation='the name that you log')",
}


class RavineCallback(Spoken, Callback):
    """Has a doctor watch the training, and says what it finds to stderr and to the loggers.

    No bit of the training changes, unless you ask for a stop. After the training `diagnosis` is
    the last word and `verdicts` are all.
    """

    def __init__(
        self,
        report: str | os.PathLike[str] | None = None,
        *,
        validation: str | None = None,
        stop_on: Words = (),
        checkpoint_on: Words = (),
        on_verdict: Callable[[Diagnosis], Any] | None = None,
        window: int = 256,
        **facts: float,
    ):
        """Watches from the first step of fit().

        Args:
            report: a page to write at each verdict and at the end, as "ravine.html".
            validation: the name under which validation_step logs its loss; None: one like
                val_loss, valid/loss or validation_loss.
            stop_on: verdicts that end the training: "nonfinite", "bouncing", ..., or all of a
                severity: "urgent", "warning".
            checkpoint_on: verdicts at which a checkpoint is saved, in the folder of the others.
            on_verdict: called with each new verdict.
            window: steps over which the doctor judges: ravine.watch.
            facts: what the Trainer does not know: classes=10, constant_loss=2.3, ...

        Raises:
            ravine.ArgumentError: there is no such verdict.
        """
        self._beside = Beside(report, stop_on, checkpoint_on, on_verdict, window, facts)
        self._validation = validation
        self._untold: list[float] = []  # losses of several optimizers, until one of them steps

    # ---- events

    def on_train_start(self, trainer, pl_module) -> None:
        """Watches the optimizers, which are made and have their state by now."""
        clips_norm = trainer.gradient_clip_algorithm in (None, "norm")
        steps = trainer.estimated_stepping_batches
        facts = {
            "total_steps": steps if 0 < steps < math.inf else None,
            "clip_norm": trainer.gradient_clip_val if clips_norm else None,
            "resumed": trainer.global_step or None,
        }
        doctors = [functools.partial(watch, each, pl_module) for each in trainer.optimizers]
        self._beside.begin(doctors, facts, ADVICE, trainer.is_global_zero)

    def on_before_backward(self, trainer, pl_module, loss) -> None:
        """A batch's loss, divided by the batches of a step and multiplied with a scaler's scale."""
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        batches = trainer.accumulate_grad_batches if pl_module.automatic_optimization else 1
        times = batches / (scaler.get_scale() if scaler is not None else 1.0)
        if len(self._beside.doctors) == 1:
            self._beside.tell(loss, times)
        else:
            self._untold.append(float(loss.detach()) * times)

    def on_before_optimizer_step(self, trainer, pl_module, optimizer) -> None:
        """Of several optimizers the one that steps has the losses since the step before."""
        losses, self._untold = self._untold, []
        for k, watched in enumerate(trainer.optimizers):
            for loss in losses if watched is unwrapped(optimizer) else ():
                self._beside.tell(loss, of=k)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Hands on what the doctor said of this step."""
        for found in self._beside.news():
            for logger in trainer.loggers:
                logger.log_metrics(numbers_of(found), step=trainer.global_step)
        stop, checkpoint = self._beside.wishes()
        if checkpoint:
            trainer.save_checkpoint(_place_of_checkpoint(trainer))
        trainer.should_stop |= stop

    def on_validation_end(self, trainer, pl_module) -> None:
        """The loss on the examples that are held out."""
        loss = None if trainer.sanity_checking else self._held_out(trainer.callback_metrics)
        if loss is not None:
            self._beside.tell_validation(loss)

    def on_train_end(self, trainer, pl_module) -> None:
        """The last word."""
        self._beside.end()

    def on_exception(self, trainer, pl_module, exception) -> None:
        """The last word, if the training was interrupted."""
        self._beside.end()

    def _held_out(self, metrics: dict[str, Any]) -> Any:
        if self._validation is not None:
            return metrics.get(self._validation)
        usual = "(val|valid|validation)[_/. -]?loss(_epoch)?"
        return next((metrics[k] for k in metrics if re.fullmatch(usual, k, re.IGNORECASE)), None)


def _place_of_checkpoint(trainer: Trainer) -> Path:
    """Where the Trainer's own checkpoints are, if it saves any."""
    saver = trainer.checkpoint_callback
    folder = getattr(saver, "dirpath", None) or trainer.log_dir or trainer.default_root_dir
    return Path(folder) / f"ravine-step={trainer.global_step}.ckpt"
