"""A doctor beside a training in PyTorch."""

import sys
from collections.abc import Callable
from typing import Any

import torch

from ravine._doctor import Diagnosis, Doctor
from ravine._library import ArgumentError
from ravine.torch._optimizer import Optimizer


def _to_terminal(diagnosis: Diagnosis) -> None:
    print(f"ravine: {diagnosis}", file=sys.stderr)


def _number(loss) -> float:
    return loss.item() if torch.is_tensor(loss) else float(loss)


class Watch(Doctor):
    """What watch() returns: it is told the losses, and asked for diagnoses."""

    def __init__(self, optimizer: Optimizer, window: int, on_verdict: Callable[[Diagnosis], Any]):
        """As watch()."""
        super().__init__(window=window)
        self._window = window
        self._on_verdict = on_verdict
        self._told: float | None = None
        self._verdict = "healthy"
        self._observed = 0
        optimizer._watched_by(self)

    def tell(self, loss) -> None:
        """The loss of the batch whose gradients the next step uses: a number or a tensor of one.

        A step with a closure knows its loss itself. Steps of which no loss was told are not
        observed.
        """
        self._told = _number(loss)

    def _stepped(self, pointer, loss) -> None:
        """After a step with a report; loss: what its closure returned."""
        value = self._told if loss is None else _number(loss)
        self._told = None
        if value is None:
            return
        self._observe(pointer, value)
        self._observed += 1
        if self._observed % self._window:
            return
        diagnosis = self.diagnose()
        mend = diagnosis.severity in ("warning", "urgent")
        if diagnosis.verdict != self._verdict and mend:
            self._on_verdict(diagnosis)
        self._verdict = diagnosis.verdict


def watch(
    optimizer: Optimizer,
    *,
    window: int = 256,
    on_verdict: Callable[[Diagnosis], Any] = _to_terminal,
) -> Watch:
    """Has a doctor watch an optimizer from its next step on.

        doctor = ravine.torch.watch(optimizer)
        loss.backward()
        doctor.tell(loss)
        optimizer.step()

    Args:
        optimizer: one of this module's; its steps cost a few percent more.
        window: steps over which the doctor judges, in [16, 65536]; it looks once a window.
        on_verdict: called with each new verdict that is not a healthy one; prints it to stderr.

    Returns:
        The doctor: `diagnose()` says what it thinks now, `warning()` what the last step forebodes.

    Raises:
        ravine.ArgumentError: the optimizer is not one of this module's.
    """
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"{type(optimizer).__name__} is not an optimizer of ravine.torch")
    return Watch(optimizer, window, on_verdict)
