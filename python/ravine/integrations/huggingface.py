# SPDX-License-Identifier: Apache-2.0
"""The doctor in the Trainer of Hugging Face, and in those of TRL and others derived from it.

from ravine.integrations.huggingface import RavineCallback

trainer = Trainer(..., callbacks=[RavineCallback()])
"""

import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import torch

from ravine._diagnosis import Diagnosis
from ravine.integrations._beside import Beside, Spoken, Words, numbers_of
from ravine.integrations._needs import needs
from ravine.torch import watch

with needs("transformers"):
    from transformers import Trainer, TrainerCallback

ADVICE = {
    "loss": "a training_step of your own calls self.accelerator.backward(loss)",
    "losses": "a training_step of your own calls self.accelerator.backward(loss)",
    "validation": "TrainingArguments(eval_strategy='steps', ...) and an eval_dataset",
}


# Trainers of TRL whose loss is about 0 whatever is learned: advantages are centered.
REWARDED = frozenset({"GRPOTrainer", "RLOOTrainer"})
NO_MEASURE = "The loss of this trainer is about 0 by its making: for success look at the reward."


class RavineCallback(Spoken, TrainerCallback):
    """Has a doctor watch the training, and says what it finds to stderr and to the Trainer's log.

    No bit of the training changes, unless you ask for a stop. After the training `diagnosis` is
    the last word and `verdicts` are all.
    """

    def __init__(
        self,
        report: str | os.PathLike[str] | None = None,
        *,
        stop_on: Words = (),
        checkpoint_on: Words = (),
        on_verdict: Callable[[Diagnosis], Any] | None = None,
        window: int = 256,
        **facts: float,
    ):
        """Watches from the beginning of train().

        Args:
            report: a page to write at each verdict and at the end, as "ravine.html".
            stop_on: verdicts that end the training: "nonfinite", "bouncing", ..., or all of a
                severity: "urgent", "warning".
            checkpoint_on: verdicts at which the Trainer saves a checkpoint.
            on_verdict: called with each new verdict.
            window: steps over which the doctor judges: ravine.watch.
            facts: what the Trainer does not know: classes=10, constant_loss=2.3, ...

        Raises:
            ravine.ArgumentError: there is no such verdict.
        """
        self._beside = Beside(report, stop_on, checkpoint_on, on_verdict, window, facts)
        self._trainer: Trainer | None = None

    # ---- events

    def on_train_begin(self, args, state, control, model=None, optimizer=None, **kwargs):
        """Watches the optimizer that the Trainer made."""
        self._forget()
        if not isinstance(optimizer, torch.optim.Optimizer):
            return
        facts = {
            "total_steps": state.max_steps,
            "clip_norm": args.max_grad_norm or None,
            "resumed": state.global_step or None,
            "lr_end": _lr_end(kwargs.get("lr_scheduler"), state.max_steps),
        }
        self._trainer = _trainer_of(self)
        rewarded = REWARDED.intersection(kind.__name__ for kind in type(self._trainer).__mro__)
        no_measure = NO_MEASURE if rewarded else ""
        doctor = functools.partial(watch, optimizer, model)
        self._beside.begin([doctor], facts, ADVICE, state.is_world_process_zero, no_measure)
        if self._trainer is not None:
            self._hear(self._trainer)

    def on_step_end(self, args, state, control, **kwargs):
        """Hands on what the doctor said of this step."""
        for found in self._beside.news():
            if self._trainer is not None:
                # The log() of a trainer that is derived may empty what it gathers for its own.
                Trainer.log(self._trainer, numbers_of(found))
        stop, save = self._beside.wishes()
        control.should_training_stop |= stop
        control.should_save |= save
        return control

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        """The loss on the examples that are held out."""
        loss = _held_out(metrics or {})
        if loss is not None:
            self._beside.tell_validation(loss)

    def on_train_end(self, args, state, control, **kwargs):
        """The last word."""
        self._forget()

    # ---- the losses

    def _hear(self, trainer: Trainer) -> None:
        """Tells the losses as they go backward: those of a step add up to what its log shows."""
        backward = trainer.accelerator.backward

        @functools.wraps(backward)
        def heard(loss, *args, **kwargs):
            self._beside.tell(loss, getattr(trainer, "current_gradient_accumulation_steps", 1))
            return backward(loss, *args, **kwargs)

        trainer.accelerator.backward = heard

    def _forget(self) -> None:
        if self._trainer is not None:
            vars(self._trainer.accelerator).pop("backward", None)
            self._trainer = None
        self._beside.end()


def _trainer_of(callback: TrainerCallback) -> Trainer | None:
    """The Trainer that calls this callback: it tells its callbacks everything but itself."""
    frame = sys._getframe(1)
    while frame is not None:
        found = frame.f_locals.get("self")
        if isinstance(found, Trainer) and callback in found.callback_handler.callbacks:
            return found
        frame = frame.f_back
    return None


def _lr_end(scheduler: Any, steps: int) -> float | None:
    """The rate after the last step, of schedulers that are functions of the step; None: others."""
    if not isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR):
        return None
    return float(scheduler.base_lrs[0] * scheduler.lr_lambdas[0](steps))


def _held_out(metrics: dict[str, float]) -> float | None:
    """Of several held-out sets the first one's loss."""
    names = [name for name in metrics if re.fullmatch("eval_(.+_)?loss", name)]
    return metrics[names[0]] if names else None
