# SPDX-License-Identifier: Apache-2.0
"""The doctor in fit() of Keras 3.

from ravine.integrations.keras import RavineCallback

model.fit(..., callbacks=[RavineCallback()])
"""

import functools
import math
import os
import sys
from collections.abc import Callable
from typing import Any

from ravine._diagnosis import Diagnosis
from ravine.integrations._beside import Beside, Spoken, Words, severity_of
from ravine.integrations._losses import Losses
from ravine.integrations._needs import needs

with needs("keras"):
    import keras

ADVICE = {
    "loss": "a train_step of your own calls self.optimizer.scale_loss(loss)",
    "losses": "a train_step of your own calls self.optimizer.scale_loss(loss)",
    "model": "",  # Keras has it
    "validation": "model.fit(validation_data=...)",
}


LOSSES_ALONE = {
    "more": "gradients, updates and parameters: Keras shows them on its torch backend alone, "
    "and not under jit_compile (KERAS_BACKEND=torch)"
}


def _print_below_bar(text: str) -> None:
    print(f"\n{text}", file=sys.stderr)


class RavineCallback(Spoken, keras.callbacks.Callback):
    """Has a doctor watch fit(), and says what it finds to stderr and to the logs.

    No bit of the training changes, unless you ask for a stop. After the training `diagnosis` is
    the last word and `verdicts` are all. On other backends than torch it hears losses alone:
    what those cannot tell is said.
    """

    def __init__(
        self,
        report: str | os.PathLike[str] | None = None,
        *,
        checkpoint: str | os.PathLike[str] = "ravine.keras",
        stop_on: Words = (),
        checkpoint_on: Words = (),
        on_verdict: Callable[[Diagnosis], Any] | None = None,
        window: int = 256,
        **facts: float,
    ):
        """Watches from the beginning of fit().

        Args:
            report: a page to write at each verdict and at the end, as "ravine.html".
            checkpoint: the file of checkpoint_on.
            stop_on: verdicts that end the training: "nonfinite", "bouncing", ..., or all of a
                severity: "urgent", "warning".
            checkpoint_on: verdicts at which the model is saved.
            on_verdict: called with each new verdict.
            window: steps over which the doctor judges: ravine.watch.
            facts: what Keras does not know: classes=10, constant_loss=2.3, ...

        Raises:
            ravine.ArgumentError: there is no such verdict.
        """
        super().__init__()
        self._beside = Beside(
            report, stop_on, checkpoint_on, on_verdict, window, facts, _print_below_bar
        )
        self._checkpoint = checkpoint
        self._wrapped: list[tuple[Any, str]] = []  # methods that are heard
        self._batches, self._mean = 0, 0.0  # of this epoch, and of their losses

    # ---- events

    def on_train_begin(self, logs=None):
        """Watches the optimizer, which is built by now."""
        self._forget()
        if keras.backend.backend() == "torch" and not self.model.jit_compile:
            self._watch()
            return
        facts = {"total_steps": self._steps(1)}
        self._beside.begin([Losses], facts, ADVICE | LOSSES_ALONE, speaks=True)

    def on_epoch_begin(self, epoch, logs=None):
        """Means in the logs begin anew."""
        self._batches, self._mean = 0, 0.0

    def on_train_batch_end(self, batch, logs=None):
        """Does what was asked for at the verdicts of this step."""
        if not self._wrapped and logs:
            self._hear_mean(batch + 1, logs["loss"])
        self._beside.news()
        stop, save = self._beside.wishes()
        if save:
            self.model.save(self._checkpoint)
        if stop:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        """The held-out loss; into the logs, how bad the last verdict is: 0 fine ... 3 urgent."""
        if logs is None:
            return
        if "val_loss" in logs:
            self._beside.tell_validation(logs["val_loss"])
        told = self._beside.told
        logs["ravine_severity"] = severity_of(told[-1]) if told else 0

    def on_train_end(self, logs=None):
        """The last word."""
        self._forget()

    # ---- steps and losses

    def _watch(self) -> None:
        """On PyTorch, an optimizer that steps as Keras's does is watched."""
        from ravine.integrations._keras_torch import shadow_of
        from ravine.torch import watch

        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        batches = optimizer.gradient_accumulation_steps or 1
        facts = {
            "total_steps": self._steps(batches),
            "clip_norm": optimizer.global_clipnorm,
            "resumed": int(optimizer.iterations) // batches or None,
            **_facts_of(self.model),
        }
        shadow = shadow_of(optimizer)
        self._beside.begin([functools.partial(watch, shadow)], facts, ADVICE, speaks=True)
        self._hear_steps(optimizer, shadow)
        self._hear_losses(self.model.optimizer)

    def _steps(self, batches: int) -> int | None:
        """Steps of so many batches in the whole of fit(); None: the data tell no length."""
        steps = (self.params or {}).get("steps")
        return steps * self.params["epochs"] // batches if steps else None

    def _hear_mean(self, batches: int, mean: float) -> None:
        """The losses since the last call, from the mean since the epoch began."""
        new = batches - self._batches
        self._beside.tell((mean * batches - self._mean * self._batches) / new)
        self._batches, self._mean = batches, mean

    def _hear_steps(self, optimizer, shadow) -> None:
        step = optimizer._backend_update_step

        def heard(gradients, variables, learning_rate):
            def update():
                step(gradients, variables, learning_rate)

            shadow.step_with(update, gradients, variables, learning_rate)

        self._wrap(optimizer, "_backend_update_step", heard)

    def _hear_losses(self, optimizer) -> None:
        scale = optimizer.scale_loss

        def heard(loss):
            self._beside.tell(loss)
            return scale(loss)

        self._wrap(optimizer, "scale_loss", heard)

    def _wrap(self, owner, name: str, heard: Callable[..., Any]) -> None:
        owner.__dict__[name] = heard
        self._wrapped.append((owner, name))

    def _forget(self) -> None:
        for owner, name in self._wrapped:
            owner.__dict__.pop(name, None)
        self._wrapped = []
        self._beside.end()


def _facts_of(model) -> dict[str, float]:
    """What stands in the model before it is trained."""
    layers = list(model._flatten_layers(include_self=False))
    frozen = {id(w): w for layer in layers if not layer.trainable for w in layer.weights}
    numbers = sum(math.prod(w.shape) for w in model.weights)
    facts = {"dropout": max([0.0, *(getattr(layer, "rate", 0.0) for layer in layers)])}
    if numbers:
        facts["frozen_share"] = sum(math.prod(w.shape) for w in frozen.values()) / numbers
    return facts
