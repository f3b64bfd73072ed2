# SPDX-License-Identifier: Apache-2.0
"""What the callbacks of all frameworks do: doctors beside a training, and what they say."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ravine import _api
from ravine._diagnosis import Diagnosis
from ravine._doctor import Doctor
from ravine._library import ArgumentError, lib
from ravine.integrations._page import page_of

VERDICTS = [lib.ravine_verdict_word(k).decode() for k in range(_api.RAVINE_VERDICT_COUNT)]
SEVERITIES = [lib.ravine_severity_word(k).decode() for k in range(_api.RAVINE_SEVERITY_COUNT)]

#: What can be seen without a loss that measures something.
WITHOUT_LOSS = frozenset(
    "nonfinite dead vanishing not_connected clipped lr_zero accumulating decayed_away update_lost "
    "exploding".split()
)

Words = str | Iterable[str]


def _words(argument: str, given: Words) -> frozenset[str]:
    """Verdicts and severities by their words."""
    words = frozenset([given] if isinstance(given, str) else given)
    for word in sorted(words.difference(VERDICTS, SEVERITIES)):
        known = ", ".join([*reversed(SEVERITIES), *VERDICTS])
        raise ArgumentError(f"{argument}: there is no verdict {word}; there are {known}")
    return words


def _silenced(found: Diagnosis, why: str) -> Diagnosis:
    """UNCLEAR in place of a verdict that rests on a loss which measures nothing."""
    sentence = f"What was seen of steps and gradients gives no reason to change anything. {why}"
    return replace(
        found,
        verdict="unclear",
        meaning=why,
        severity="note",
        confidence=0.0,
        sentence=sentence,
        sentence_zh=sentence,
        text=sentence,
        what_not="",
        evidence={},
        reasons=[],
        cures=[],
        also=[],
    )


def severity_of(found: Diagnosis) -> int:
    """How bad it is as a number: 0 fine, 1 a note, 2 a warning, 3 urgent."""
    return SEVERITIES.index(found.severity)


def numbers_of(found: Diagnosis) -> dict[str, float]:
    """A verdict for a log of numbers."""
    return {
        "ravine/severity": float(severity_of(found)),
        f"ravine/{found.verdict}": found.confidence,
    }


def print_above_bars(text: str) -> None:
    """To stderr; bars that tqdm draws there go on below."""
    from tqdm import tqdm  # of all frameworks but Keras

    tqdm.write(text, file=sys.stderr)


class Beside:
    """Doctors beside one training, one for each optimizer: ravine.watch's, or of losses alone."""

    def __init__(
        self,
        report: str | os.PathLike[str] | None,
        stop_on: Words,
        checkpoint_on: Words,
        on_verdict: Callable[[Diagnosis], Any] | None,
        window: int,
        facts: dict[str, float],
        say: Callable[[str], None] = print_above_bars,
    ):
        """The options of a callback: nothing is watched yet."""
        self._report = None if report is None else Path(report)
        self._stop_on = _words("stop_on", stop_on)
        self._checkpoint_on = _words("checkpoint_on", checkpoint_on)
        self._on_verdict, self._window, self._facts, self._say = on_verdict, window, facts, say
        known = Doctor(window=window)  # what is wrong is told now, and not when the training begins
        for name, value in facts.items():
            known.fact(name, value)
        self.doctors: list[Any] = []
        self.told: list[Diagnosis] = []  # all verdicts, the last one last
        self._last: Diagnosis | None = None  # after the end
        self._new: list[Diagnosis] = []
        self._stop = self._checkpoint = self._speaks = False
        self._no_measure = ""  # why the loss is none

    def begin(
        self,
        doctors: Iterable[Callable[..., Any]],
        facts: dict[str, float | None],
        advice: dict[str, str],
        speaks: bool,
        no_measure: str = "",
    ) -> None:
        """Makes the doctors, who watch from here on; those of other ranks say nothing.

        Args:
            doctors: what makes each, given window, on_verdict and facts.
            facts: that the framework knows; those of the user stand above. None: not known.
            advice: what would tell more, in the words of the framework.
            speaks: whether this is the first rank.
            no_measure: why the loss measures nothing; then only verdicts without it are given.
        """
        self.end()
        self.told, self._last = [], None
        self._stop = self._checkpoint = False
        self._speaks, self._no_measure = speaks, no_measure
        known = {name: float(value) for name, value in facts.items() if value is not None}
        for make in doctors:
            try:
                doctor = make(window=self._window, on_verdict=self._take, **(known | self._facts))
            except Exception as error:  # an optimizer that is none of PyTorch's: it trains on
                self._say(f"ravine: nothing is watched: {type(error).__name__}: {error}")
                continue
            doctor.advice = doctor.advice | advice
            self.doctors.append(doctor)

    def _take(self, found: Diagnosis) -> None:
        """A doctor has something to say."""
        if not self._speaks or (self._no_measure and found.verdict not in WITHOUT_LOSS):
            return
        self._say(f"ravine: step {found.step}: {found}")
        self.told.append(found)
        self._new.append(found)
        words = {found.verdict, found.severity}
        self._stop |= not words.isdisjoint(self._stop_on)
        self._checkpoint |= not words.isdisjoint(self._checkpoint_on)
        self._write()
        if self._on_verdict is not None:
            self._on_verdict(found)

    def _write(self) -> None:
        if self._report is not None:
            page = page_of(self.told, self._last)
            whole = self._report.with_name(self._report.name + ".part")
            whole.write_text(page, encoding="utf-8")
            whole.replace(self._report)

    def tell(self, loss, times: float = 1.0, of: int | None = None) -> None:
        """A batch's loss, to all doctors or to one of them.

        What fails ends the watch, never the training.
        """
        for doctor in self.doctors if of is None else self.doctors[of : of + 1]:
            with doctor._guarded():
                doctor.tell(loss, times=times)

    def tell_validation(self, loss) -> None:
        """The loss on held-out examples to every doctor."""
        for doctor in self.doctors:
            with doctor._guarded():
                doctor.tell_validation(loss)

    def news(self) -> list[Diagnosis]:
        """Verdicts since the last call."""
        found, self._new = self._new, []
        return found

    def wishes(self) -> tuple[bool, bool]:
        """Whether to stop, and whether to save a checkpoint: what the first rank wants, on each.

        Every rank calls it after every step.
        """
        stop, checkpoint = self._stop, self._checkpoint
        self._checkpoint = False
        torch = sys.modules.get("torch")  # Keras may do without
        alone = not torch or not torch.distributed.is_available()
        if alone or not torch.distributed.is_initialized():
            return stop, checkpoint
        if not (self._stop_on or self._checkpoint_on) or not self.doctors:
            return stop, checkpoint
        device = self.doctors[0]._watched.param_groups[0]["params"][0].device
        wished = torch.tensor([stop, checkpoint], dtype=torch.uint8, device=device)
        torch.distributed.broadcast(wished, 0)
        stop, checkpoint = map(bool, wished.tolist())
        return stop, checkpoint

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What the doctor thinks now, of several the one with the worst; None: nothing began."""
        if self._last is not None or not self.doctors:
            return self._last
        found = max((doctor.diagnosis for doctor in self.doctors), key=severity_of)
        if self._no_measure and found.verdict not in WITHOUT_LOSS:
            return _silenced(found, self._no_measure)
        return found

    def end(self) -> None:
        """The last word; optimizers and model are then as if nobody had watched them."""
        if not self.doctors:
            return
        self._last = self.diagnosis
        for doctor in self.doctors:
            doctor.detach()
        self.doctors = []
        if not self._speaks or self._last is None:
            return
        if not self.told or self.told[-1].verdict != self._last.verdict:
            self._say(f"ravine: at the end, step {self._last.step}: {self._last}")
        self._write()


class Spoken:
    """What the doctor of a callback said: for each framework's class of callbacks."""

    _beside: Beside

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What the doctor thinks now, or thought at the end; None: before the training."""
        return self._beside.diagnosis

    @property
    def verdicts(self) -> list[Diagnosis]:
        """All that it said, in their order."""
        return self._beside.told
