# SPDX-License-Identifier: Apache-2.0
"""A doctor of losses, where a framework shows no more of its steps."""

import contextlib
import ctypes
import math
from collections.abc import Callable
from typing import Any

from ravine import _api
from ravine._diagnosis import Diagnosis
from ravine._doctor import Doctor, asks_for_something, is_time_to_look
from ravine._library import lib, made


class Losses(Doctor):
    """Is told the losses, and does what a watch does."""

    advice: dict[str, str] = {}

    def __init__(self, *, window: int, on_verdict: Callable[[Diagnosis], Any], **facts: float):
        """From the next loss on."""
        super().__init__(window=window)
        for name, value in facts.items():
            self.fact(name, value)
        self._window, self._on_verdict = window, on_verdict
        self._verdict, self._steps = "healthy", 0
        self._bad = self._validated = self._stopped = False
        self._stats = made(_api.ravine_step_stats)
        for name, kind in self._stats._fields_:
            if kind is ctypes.c_double:
                setattr(self._stats, name, math.nan)  # not known
        self._observation = made(_api.ravine_observation)
        self._observation.stats = ctypes.pointer(self._stats)
        self._observation.path_efficiency = math.nan

    _guarded = staticmethod(contextlib.nullcontext)

    def tell(self, loss: float, *, times: float = 1.0) -> None:
        """The loss of a step, which is made by now."""
        if self._stopped:
            return
        self._steps += 1
        self._stats.step = self._stats.attempts = self._steps
        self._observation.loss = float(loss) * times
        lib.ravine_doctor_feed(self._pointer, self._observation)
        was_bad, self._bad = self._bad, not math.isfinite(loss)
        if (self._bad and not was_bad) or is_time_to_look(self._steps, self._window):
            self._look()

    def tell_validation(self, loss: float) -> None:
        """The loss, now, on examples that are not trained on."""
        self._validated = True
        self.fact("validation", float(loss))

    def _look(self) -> None:
        found = self.diagnosis
        is_new = asks_for_something(found) and found.verdict != self._verdict
        self._verdict = found.verdict
        if is_new:
            self._on_verdict(found)

    @property
    def diagnosis(self) -> Diagnosis:
        """What it thinks now."""
        return self.diagnose()

    def _missing(self, verdict: str) -> list[str]:
        lines = [self.advice["more"]]
        if verdict == "unclear" and not self._validated:
            lines.append(f"overfitting: {self.advice['validation']}")
        return lines

    def detach(self) -> None:
        """Hears no more."""
        self._stopped = True
