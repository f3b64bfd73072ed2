# SPDX-License-Identifier: Apache-2.0
"""A diagnosis, for people and for programs."""

import ctypes
import json
import math
import os
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ravine import _api
from ravine._library import lib, record_of
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
    reasons: list[str]  #: the evidence in words, with its units
    cures: list[Cure]  #: the most promising first
    what_not: str  #: what it is not, with the number that says so
    also: list[str]  #: other verdicts whose evidence holds
    cannot_tell: list[str]  #: and what would tell it
    severity: str  #: "fine", "note": nothing to mend; "warning", "urgent"
    sentence: str  #: what is wrong and what to do, in words of every day
    sentence_zh: str  #: the same in Chinese
    facts: dict[str, float]  #: what no step shows: told, or seen in model, loss and data
    tried_steps: int  #: for which each cure was tried; 0: none was
    unchanged_loss: float  #: after them, without a change; NaN: none was tried
    cure_losses: list[float]  #: after them with each of the cures; NaN: it was not tried
    text: str = field(repr=False)  #: the lines that print() shows

    def __str__(self) -> str:
        """Its sentence, and the lines with numbers: ravine_diagnosis_format."""
        return self.text

    def to_json(self, **options: Any) -> str:
        """What `ravine doctor --json` prints: docs/schemas/doctor.schema.json.

        Args:
            options: of json.dumps, such as indent=2.
        """
        return json.dumps(
            {
                "verdict": self.verdict,
                "severity": self.severity,
                "sentence": self.sentence,
                "sentence_zh": self.sentence_zh,
                "confidence": _number(self.confidence),
                "step": self.step,
                "evidence": {name: _number(value) for name, value in self.evidence.items()},
                "cures": [_cure(cure) for cure in self.cures],
                "not": self.what_not or None,
                "also": self.also,
                "cannot_tell": self.cannot_tell,
                "log": None,  # it was not read from one
            },
            **{"ensure_ascii": False} | options,
        )

    def _repr_html_(self) -> str:
        """How a notebook shows it: in its own colours, light or dark."""
        head, rows = _lines(self.text)
        chinese = _language().startswith("zh")
        sentence = escape(self.sentence_zh if chinese else self.sentence)
        name = escape(self.verdict.replace("_", " ").upper())
        listed = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in rows)
        return (
            f'<section class="ravine-diagnosis">{_STYLE}'
            f'<p><b class="{self.severity}">{name}</b> <small>{escape(head)}</small></p>'
            f'<p lang="{"zh" if chinese else "en"}">{sentence}</p><dl>{listed}</dl>'
            f"{self._trial()}</section>"
        )

    def _trial(self) -> str:
        """The losses of cures that were tried, beside that of the unchanged run."""
        if not self.tried_steps:
            return ""
        tried = zip(self.cures, self.cure_losses, strict=True)
        rows = [(cure.text, loss) for cure, loss in tried if cure.tried]
        rows = [("unchanged", self.unchanged_loss), *rows]
        body = "".join(f"<tr><td>{escape(what)}<td>{loss:.4g}" for what, loss in rows)
        return f"<table><tr><th>tried<th>loss after {self.tried_steps} steps{body}</table>"


_STYLE = """<style>
section.ravine-diagnosis{font-family:system-ui,sans-serif;max-width:46rem;overflow-wrap:anywhere}
section.ravine-diagnosis p{margin:.4em 0}
section.ravine-diagnosis b{padding:.1em .5em;border-radius:.3em;color:#fff}
section.ravine-diagnosis :is(.fine,.note){background:#17703f}
section.ravine-diagnosis .warning{background:#a33b12}
section.ravine-diagnosis .urgent{background:#b00020}
section.ravine-diagnosis dl{display:grid;grid-template-columns:max-content 1fr;gap:.15em .8em}
section.ravine-diagnosis dl :is(dt,dd){width:auto;margin:0;padding:0;font-weight:400}
section.ravine-diagnosis :is(dt,small,th){opacity:.75;font-weight:400}
section.ravine-diagnosis table{border-collapse:collapse;margin:.6em 0}
section.ravine-diagnosis :is(td,th){text-align:left;padding:.2em .8em .2em 0;border:0;
border-bottom:1px solid rgba(128,128,128,.4)}
section.ravine-diagnosis :is(td,th):last-child{text-align:right;white-space:nowrap}
</style>"""


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cure(cure: Cure) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if cure.action != _api.RAVINE_CURE_ADVICE:
        texts = {"optimizer": cure.optimizer, "schedule.lr": cure.schedule}
        settings = {key: text for key, text in texts.items() if text}
    if cure.action == _api.RAVINE_CURE_ESCAPE:
        settings["escape"] = _number(cure.escape)
    return {
        "text": cure.text,
        "kind": lib.ravine_cure_word(cure.kind).decode(),
        "old_value": _number(cure.old_value),
        "new_value": _number(cure.new_value),
        "settings": settings,
        "tried": bool(cure.tried),
        "loss_ratio": _number(cure.loss_ratio),
    }


def _lines(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands behind the verdict's name, and the lines below it: a label, its text."""
    lines = text.split("\n")
    first = next(k for k, line in enumerate([*lines, " "]) if line.startswith(" "))
    head = lines[first - 1].partition("(")[2].removesuffix(")")
    return head, [(line[1:9].strip(), line[9:]) for line in lines[first:]]


def _language() -> str:
    """Of this process's messages, as the command goes by it."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    return next((os.environ[name] for name in names if os.environ.get(name)), "en")


def word_of(verdict: int) -> str:
    """The word of a verdict."""
    return lib.ravine_verdict_word(verdict).decode()


def _text(write, size: int, *arguments) -> str:
    room = ctypes.create_string_buffer(size)
    write(*arguments, room, size, None)
    return room.value.decode()


def _sentence(d, language: bytes) -> str:
    return _text(lib.ravine_diagnosis_sentence, _api.RAVINE_SENTENCE_MAX, d, language)


def diagnosis_of(d, facts: dict[str, float], tried_steps: int = 0) -> Diagnosis:
    """What a ravine_diagnosis says, of a training of which these facts are known."""
    return Diagnosis(
        verdict=word_of(d.verdict),
        meaning=lib.ravine_verdict_meaning(d.verdict).decode(),
        confidence=d.confidence,
        step=d.step,
        since=d.since,
        evidence={e.name.decode(): e.value for e in d.evidence[: d.nevidence]},
        reasons=[e.text.decode() for e in d.evidence[: d.nevidence]],
        cures=[record_of(Cure, cure) for cure in d.cure[: d.ncures]],
        what_not=d.not_text.decode(),
        also=[word_of(verdict) for verdict in d.also[: d.nalso]],
        cannot_tell=[line.value.decode() for line in d.cannot_tell[: d.ncannot_tell]],
        severity=lib.ravine_severity_word(lib.ravine_verdict_severity(d.verdict)).decode(),
        sentence=_sentence(d, b"en"),
        sentence_zh=_sentence(d, b"zh"),
        facts=dict(facts),
        tried_steps=tried_steps,
        unchanged_loss=d.unchanged_loss,
        cure_losses=list(d.cure_loss[: d.ncures]),
        text=_text(lib.ravine_diagnosis_format, _api.RAVINE_DIAGNOSIS_TEXT_MAX, d).rstrip("\n"),
    )
