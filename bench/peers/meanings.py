# SPDX-License-Identifier: Apache-2.0
"""What a finding of each tool that reads a log means in the doctor's words.

Written down before any of these tools was asked about a run of the outside battery. A row is
(tool, pattern of the finding, generous words, strict words). Generous: every word whose cure the
finding's own text leads to, and any finding of a run counts. Strict: the word that the finding
says itself, and the first, most severe finding counts. What words are right or near for a cause is
outside/answers.py, for the tools as for us.

A finding that no row matches names nothing: it is an alarm on a fine run and wrong on a broken one.
IGNORED is neither. Findings that a tool calls "info" are never alarms; they are answers in the
generous count alone.
"""

import re
from dataclasses import dataclass

NOTHING: frozenset[str] = frozenset()
IGNORED = None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: "Lower the rate": every trouble that a lower rate mends or hides.
TOO_HIGH = _words("bouncing diverging warmup_needed sigma_burst noise_floor exploding")
UNSTABLE = _words("bouncing diverging warmup_needed sigma_burst exploding resume_jump")
SPIKES = _words("sigma_burst bouncing diverging exploding warmup_needed resume_jump")
LOST = _words("nonfinite diverging exploding")
#: "Rate too low, initialization, frozen parameters, data or labels": the list that several print.
STUCK = _words(
    "not_learning crawling lr_zero update_lost dead vanishing saddle not_connected labels_lost"
    " decayed_away clipped"
)
LOW = _words("crawling lr_zero update_lost clipped")

Row = tuple[str, str, frozenset[str] | None, frozenset[str] | None]
ROWS: list[Row] = [
    ("gradsnitch", r"^GS001", LOST, _words("nonfinite")),
    ("gradsnitch", r"^GS002", LOST, _words("exploding nonfinite")),
    ("gradsnitch", r"^GS003", SPIKES, _words("sigma_burst exploding")),
    ("gradsnitch", r"^GS004", _words("overfitting"), _words("overfitting")),
    ("gradsnitch", r"^GS005", STUCK, _words("not_learning")),
    ("gradsnitch", r"^GS006", UNSTABLE, _words("diverging")),
    ("gradsnitch", r"^GS007", _words("vanishing dead crawling"), _words("vanishing")),
    ("gradsnitch", r"^GS008.*too high", TOO_HIGH, _words("bouncing diverging")),
    ("gradsnitch", r"^GS008.*too low", LOW, _words("crawling")),
    ("gradsnitch", r"^GS009", UNSTABLE, _words("bouncing")),
    ("gradsnitch", r"^GS010", _words("lr_zero crawling"), _words("lr_zero")),
    ("runmedic", r"^non_finite", LOST, _words("nonfinite")),
    ("runmedic", r"^divergence", UNSTABLE, _words("diverging")),
    ("runmedic", r"^loss_spikes", SPIKES, _words("sigma_burst")),
    ("runmedic", r"^grad_spikes", SPIKES, _words("sigma_burst exploding")),
    ("runmedic", r"^no_learning", STUCK, _words("not_learning")),
    ("runmedic", r"^overfitting", _words("overfitting"), _words("overfitting")),
    ("runmedic", r"^constant_lr_plateau", _words("noise_floor bouncing"), _words("noise_floor")),
    ("runmedic", r"^(input_bound|slow|memory|gpu|log:)", IGNORED, IGNORED),
    ("trainspotter", r"^Diverged \(non-finite", LOST, _words("nonfinite")),
    ("trainspotter", r"^Diverged \(sustained", UNSTABLE, _words("diverging")),
    ("trainspotter", r"^Gradient-norm explosion", SPIKES, _words("sigma_burst exploding")),
    ("trainspotter", r"clipping likely saturated", _words("clipped"), _words("clipped")),
    ("trainspotter", r"^Suspiciously low loss", _words("labels_lost"), _words("labels_lost")),
    # It says so of every run that begins at its highest rate: a remark, and generously no alarm.
    ("trainspotter", r"^No LR warmup", IGNORED, _words("warmup_needed")),
    ("trainspotter", r"^(LR increased|LR discontinuity|Throughput)", IGNORED, IGNORED),
    ("trainspotter", r"^Overfitting onset", _words("overfitting"), _words("overfitting")),
    ("trainspotter", r"^Plateau", STUCK | _words("noise_floor"), _words("not_learning")),
    ("trainspotter", r"^Loss spike", SPIKES, _words("sigma_burst")),
    ("losslint", r"^nan_inf", LOST, _words("nonfinite")),
    ("losslint", r"^loss_spike", SPIKES, _words("sigma_burst")),
    ("losslint", r"^divergence", UNSTABLE, _words("diverging")),
    ("losslint", r"^overfit_onset", _words("overfitting"), _words("overfitting")),
    ("losslint", r"^stagnation", STUCK | _words("noise_floor"), _words("not_learning")),
    ("losslint", r"^(parse|step_backtrack)", IGNORED, IGNORED),
    ("trainproof", r"^TP-NAN", LOST, _words("nonfinite")),
    ("trainproof", r"^TP-ZERO-LOSS", _words("labels_lost nonfinite"), _words("labels_lost")),
    ("trainproof", r"^TP-ZERO-GRAD", _words("not_connected dead labels_lost"),
     _words("not_connected")),
    ("trainproof", r"^TP-ZERO-LR", _words("lr_zero"), _words("lr_zero")),
    ("trainproof", r"^TP-(FLAT|DEAD-RUN)", STUCK, _words("not_learning")),
    ("trainproof", r"^TP-DIVERGE", UNSTABLE, _words("diverging")),
    ("trainproof", r"^TP-GRAD-SPIKE", SPIKES, _words("sigma_burst exploding")),
    ("trainproof", r"^TP-OVERFIT", _words("overfitting"), _words("overfitting")),
    ("trainproof", r"^TP-(PASS|NOT-CHECKED|THROUGHPUT|GPU|STEP|LOADER)", IGNORED, IGNORED),
    ("finetune-doctor", r"^loss_degenerate NaN", LOST, _words("nonfinite")),
    ("finetune-doctor", r"^loss_degenerate", _words("labels_lost nonfinite"),
     _words("labels_lost")),
    ("finetune-doctor", r"^gradients NaN", LOST, _words("nonfinite")),
    ("finetune-doctor", r"^gradients Zero", _words("not_connected dead labels_lost"),
     _words("not_connected")),
    ("finetune-doctor", r"^gradients Gradient spikes", SPIKES, _words("sigma_burst exploding")),
    ("finetune-doctor", r"^not_learning Training loss went up", UNSTABLE, _words("diverging")),
    ("finetune-doctor", r"^not_learning", STUCK, _words("not_learning")),
    ("finetune-doctor", r"^overfitting", _words("overfitting"), _words("overfitting")),
    ("finetune-doctor", r"^lr_schedule", _words("lr_zero"), _words("lr_zero")),
    ("finetune-doctor", r"^loss_spikes Loss spikes", SPIKES, _words("sigma_burst")),
    ("finetune-doctor", r"^loss_spikes", _words("data_order overfitting"), _words("data_order")),
    ("finetune-doctor", r"^stopped_improving", STUCK | _words("noise_floor"), NOTHING),
    ("finetune-doctor", r"^(no_eval|rl_run|incomplete|eval_below|metric_dis)", IGNORED, IGNORED),
    ("arc-training", r"^nan_", LOST, _words("nonfinite")),
    ("arc-training", r"^GRADIENT_DEATH", _words("vanishing dead not_connected labels_lost"),
     _words("vanishing dead")),
    ("arc-training", r"^LOSS_PLATEAU", STUCK | _words("noise_floor"), _words("not_learning")),
    ("arc-training", r"^OVERFITTING", _words("overfitting"), _words("overfitting")),
    ("arc-training", r"^loss drifts", UNSTABLE, _words("diverging")),
    ("arc-training", r"^grad drifts", SPIKES, _words("exploding")),
]  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What a tool said, as it ranks it."""

    text: str
    info: bool = False  # the tool's own "info": no warning


def words_of(tool: str, finding: Finding, strict: bool) -> frozenset[str] | None:
    """The words that a finding stands for; None: it counts for nothing."""
    if strict and finding.info:
        return IGNORED
    for name, pattern, generous, exact in ROWS:
        if name == tool and re.search(pattern, finding.text):
            return exact if strict else generous
    return NOTHING


def is_alarm(tool: str, finding: Finding, strict: bool) -> bool:
    """Would it alarm the owner of a fine run?"""
    return not finding.info and words_of(tool, finding, strict) is not IGNORED
