# SPDX-License-Identifier: Apache-2.0
"""Why is training stuck? The doctor of ravine_doctor.h, for optimizers of this package."""

import ctypes

from ravine import _api
from ravine._diagnosis import Diagnosis, diagnosis_of, word_of
from ravine._library import ArgumentError, lib, made
from ravine._optimizer import Optimizer

FIRST_LOOK = 16  # steps; then twice as many, up to a window


def is_time_to_look(observed: int, window: int) -> bool:
    """Whether a doctor beside a training looks after so many steps, if nothing is urgent."""
    if observed < window:
        return observed >= FIRST_LOOK and observed & (observed - 1) == 0
    return observed % (window // 2) == 0


def asks_for_something(found: Diagnosis) -> bool:
    """Whether a verdict is worth being told by itself."""
    return found.severity in ("warning", "urgent") and found.verdict != "unclear"


#: Names of facts, and their numbers.
FACTS = {lib.ravine_fact_word(number).decode(): number for number in range(_api.RAVINE_FACT_COUNT)}


class Doctor:
    """Watches the steps of one optimizer and says why they lead nowhere.

    optimizer = ravine.Optimizer("adam lr=1e-3", arrays, statistics=True)
    doctor = ravine.Doctor(optimizer)
    optimizer.step(gradients, stats=True)
    doctor.observe(loss)
    print(doctor.diagnose())
    """

    def __init__(self, optimizer: Optimizer | None = None, *, window: int = 256):
        """Takes an optimizer that was made with statistics=True.

        Args:
            optimizer: whose steps are observed.
            window: steps over which it judges, in [16, 65536].

        Raises:
            ravine.RangeError: the window is out of its range.
        """
        options = made(_api.ravine_doctor_options, lib.ravine_doctor_options_init)
        options.window = window
        self.facts: dict[str, float] = {}  # that it was told of last
        self._optimizer = optimizer
        self._pointer = ctypes.c_void_p()
        self._destroy = lib.ravine_doctor_destroy
        lib.ravine_doctor_create(self._pointer, options, None)

    def __del__(self):
        """Frees the doctor's memory."""
        if getattr(self, "_pointer", None):
            self._destroy(self._pointer)

    def observe(self, loss: float) -> None:
        """Takes in the last step.

        Args:
            loss: of the step's batch, at the parameters before the step.

        Raises:
            ravine.StateError: the last step made no statistics.
        """
        if self._optimizer is None:
            raise ArgumentError("the doctor was made without an optimizer")
        self._observe(self._optimizer._o, loss)

    def _observe(self, optimizer, loss: float) -> None:
        lib.ravine_doctor_observe(self._pointer, optimizer, loss)

    def fact(self, name: str, value: float) -> None:
        """Tells what no step shows, from the next step on.

        Args:
            name: of RAVINE_FACT_LIST in ravine_doctor.h: "total_steps", "classes", ...
            value: NaN takes it back.

        Raises:
            ravine.ArgumentError: there is no such fact.
        """
        if name not in FACTS:
            raise ArgumentError(f"there is no fact {name}; there are {', '.join(FACTS)}")
        lib.ravine_doctor_tell(self._pointer, FACTS[name], value)
        self.facts[name] = value

    def diagnose(self) -> Diagnosis:
        """The verdict on what was observed so far."""
        return diagnosis_of(self._find(), self.facts)

    def _find(self):
        """The same as the library has it, a ravine_diagnosis."""
        found = made(_api.ravine_diagnosis)
        lib.ravine_doctor_diagnose(self._pointer, found)
        lines = [line.value for line in found.cannot_tell[: found.ncannot_tell]]
        lines = [*map(str.encode, self._missing(word_of(found.verdict))), *lines]
        found.ncannot_tell = min(len(lines), len(found.cannot_tell))
        for room, line in zip(found.cannot_tell, lines, strict=False):
            room.value = line
        return found

    def _missing(self, verdict: str) -> list[str]:
        """What was not told that would tell more, for lines after "cannot"."""
        return []

    def warning(self) -> str:
        """What the last step gives reason to warn of, in one line; "": nothing."""
        found = made(_api.ravine_warning)
        lib.ravine_doctor_warning(self._pointer, found)
        return found.text.decode() if found.kind != _api.RAVINE_WARNING_NONE else ""
