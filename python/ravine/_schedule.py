# SPDX-License-Identifier: Apache-2.0
"""Learning rates over time, as plain values."""

import ctypes
from typing import NamedTuple

from ravine import _api
from ravine._library import lib, made


class ScheduleFacts(NamedTuple):
    """What a schedule comes to, all in steps or plain numbers (ravine_schedule_facts)."""

    first: float  #: value at step 0
    last: float  #: value held after the last segment; NaN if it never ends
    warmup_end: int  #: first step that no longer rises; 0 if it never does
    total: int | None  #: steps until the last value is held; None: it never ends


class Schedule:
    """A value for every step, from a text: a pure function of the step.

        schedule = ravine.Schedule("warmup(1000) cosine(9000) lr=3e-4")
        schedule(0), schedule(999), str(schedule), schedule.facts

    The grammar is in docs/schedules.md. A schedule is immutable, hashable and picklable.
    """

    __slots__ = ("_value", "_text")

    def __init__(self, text: "str | float"):
        """Reads the text form, or makes a constant of a number.

        Raises:
            ravine.FormatError: the text is wrong; the message names the column (a ValueError).
            ravine.RangeError: a number is out of bounds (a ValueError).
        """
        self._value = made(_api.ravine_schedule)
        if isinstance(text, str):
            lib.ravine_schedule_parse(self._value, text.encode())
        else:
            lib.ravine_schedule_constant(self._value, float(text))
        canonical = ctypes.create_string_buffer(4096)
        lib.ravine_schedule_format(self._value, canonical, len(canonical), None)
        self._text = canonical.value.decode()

    def __call__(self, step: int) -> float:
        """The value at a step; the first step is 0, and a negative one reads as 0."""
        return lib.ravine_schedule_at(self._value, step)

    @property
    def facts(self) -> ScheduleFacts:
        """First and last value, end of warm-up, total."""
        facts = made(_api.ravine_schedule_facts)
        lib.ravine_schedule_describe(self._value, facts)
        total = None if facts.total == _api.RAVINE_FOREVER else facts.total
        return ScheduleFacts(facts.first, facts.last, facts.warmup_end, total)

    def __str__(self) -> str:
        """The canonical text form, which reads back to the same schedule."""
        return self._text

    def __repr__(self) -> str:
        """As it is made."""
        return f"Schedule({self._text!r})"

    def __eq__(self, other) -> bool:
        """Whether both have the same value at every step by construction."""
        return isinstance(other, Schedule) and self._text == other._text

    def __hash__(self) -> int:
        """Of the canonical text."""
        return hash(self._text)

    def __reduce__(self):
        """Pickled as its text."""
        return Schedule, (self._text,)
