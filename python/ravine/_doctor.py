# SPDX-License-Identifier: Apache-2.0
"""Why is training stuck? The doctor of ravine_doctor.h, for optimizers of this package."""

import ctypes
from dataclasses import dataclass, field

from ravine import _api
from ravine._library import ArgumentError, lib, made, record_of
from ravine._optimizer import Optimizer
from ravine._records import Cure


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict with its evidence (ravine_diagnosis); print it to read it."""

    verdict: str  #: "bouncing", "healthy", ...: docs/verdicts/
    meaning: str
    confidence: float  #: in [0, 1]: how often such an answer was right
    step: int
    since: int  #: the step from which the evidence holds; -1: not known
    evidence: dict[str, float]
    reasons: list[str]  #: the evidence in words
    cures: list[Cure]  #: the most promising first
    what_not: str  #: what it is not, with the number that says so
    also: list[str]  #: other verdicts whose evidence holds
    cannot_tell: list[str]
    severity: str  #: "fine", "note": nothing to mend; "warning", "urgent"
    sentence: str  #: what is wrong and what to do, in words of every day
    sentence_zh: str  #: the same in Chinese
    text: str = field(repr=False)  #: the lines that print() shows

    def __str__(self) -> str:
        """Its sentence, and the lines with numbers: ravine_diagnosis_format."""
        return self.text


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


def _word(verdict: int) -> str:
    return lib.ravine_verdict_word(verdict).decode()


def _text(write, size: int, *arguments) -> str:
    room = ctypes.create_string_buffer(size)
    write(*arguments, room, size, None)
    return room.value.decode()


def _sentence(d, language: bytes) -> str:
    return _text(lib.ravine_diagnosis_sentence, _api.RAVINE_SENTENCE_MAX, d, language)


def _diagnosis_of(d) -> Diagnosis:
    return Diagnosis(
        verdict=_word(d.verdict),
        meaning=lib.ravine_verdict_meaning(d.verdict).decode(),
        confidence=d.confidence,
        step=d.step,
        since=d.since,
        evidence={e.name.decode(): e.value for e in d.evidence[: d.nevidence]},
        reasons=[e.text.decode() for e in d.evidence[: d.nevidence]],
        cures=[record_of(Cure, cure) for cure in d.cure[: d.ncures]],
        what_not=d.not_text.decode(),
        also=[_word(verdict) for verdict in d.also[: d.nalso]],
        cannot_tell=[line.value.decode() for line in d.cannot_tell[: d.ncannot_tell]],
        severity=lib.ravine_severity_word(lib.ravine_verdict_severity(d.verdict)).decode(),
        sentence=_sentence(d, b"en"),
        sentence_zh=_sentence(d, b"zh"),
        text=_text(lib.ravine_diagnosis_format, _api.RAVINE_DIAGNOSIS_TEXT_MAX, d).rstrip("\n"),
    )


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
        found = made(_api.ravine_diagnosis)
        lib.ravine_doctor_diagnose(self._pointer, found)
        lines = [line.value for line in found.cannot_tell[: found.ncannot_tell]]
        lines = [*map(str.encode, self._missing(_word(found.verdict))), *lines]
        found.ncannot_tell = min(len(lines), len(found.cannot_tell))
        for room, line in zip(found.cannot_tell, lines, strict=False):
            room.value = line
        return _diagnosis_of(found)

    def _missing(self, verdict: str) -> list[str]:
        """What was not told that would tell more, for lines after "cannot"."""
        return []

    def warning(self) -> str:
        """What the last step gives reason to warn of, in one line; "": nothing."""
        found = made(_api.ravine_warning)
        lib.ravine_doctor_warning(self._pointer, found)
        return found.text.decode() if found.kind != _api.RAVINE_WARNING_NONE else ""
