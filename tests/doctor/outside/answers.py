# SPDX-License-Identifier: Apache-2.0
"""Which words of the doctor are right for a cause, and which are near.

Written before any verdict on these runs was read. Right: the word names the cause, or what it
does, and its page leads to the cure. Near: a symptom whose cure goes the right way, but from which
a person must think further. Whatever else is said of a broken run is wrong; HEALTHY and
LOCAL_MINIMUM are silence, UNCLEAR is counted apart. Of a healthy run everything but these three is
an alarm.
"""

from dataclasses import dataclass

SILENT = frozenset({"healthy", "local_minimum"})
UNCLEAR = "unclear"


@dataclass(frozen=True)
class Answer:
    """The words that fit a cause."""

    right: frozenset[str]
    near: frozenset[str]


def _words(right: str, near: str = "") -> Answer:
    return Answer(frozenset(right.split()), frozenset(near.split()))


_TOO_LONG = _words(
    "bouncing diverging warmup_needed", "nonfinite noise_floor sigma_burst exploding"
)

ANSWERS: dict[str, Answer] = {
    # learning rate and schedule
    "rate_too_high": _TOO_LONG,
    "loss_summed": _TOO_LONG,
    "accumulation_summed": _TOO_LONG,
    "rate_too_low": _words("crawling", "update_lost"),
    "no_warmup": _words("warmup_needed", "diverging bouncing noise_floor sigma_burst nonfinite"),
    "thrown_out": _words("warmup_needed diverging dead", "bouncing not_learning"),
    "rate_zero": _words("lr_zero"),
    "schedule_over": _words("lr_zero", "crawling"),
    "decays_each_step": _words("lr_zero", "crawling"),
    "warmup_endless": _words("crawling lr_zero"),
    # noise
    "noise_floor": _words("noise_floor", "bouncing"),
    "batch_of_one_rate": _words("noise_floor bouncing diverging", "warmup_needed nonfinite"),
    # settings of the rule
    "momentum_high": _words(
        "bouncing diverging", "warmup_needed noise_floor sigma_burst nonfinite exploding"
    ),
    "beta2_small": _words("sigma_burst", "bouncing diverging noise_floor nonfinite warmup_needed"),
    "eps_large": _words("crawling", "update_lost"),
    "decay_strong": _words("decayed_away", "not_learning"),
    "clip_small": _words("clipped", "crawling"),
    # number formats
    "update_lost": _words("update_lost", "crawling"),
    "gradient_underflow": _words("vanishing dead", "not_connected update_lost not_learning"),
    # inputs and targets
    "unscaled_inputs": _words(
        "unscaled_input", "bouncing diverging exploding nonfinite warmup_needed noise_floor"
    ),
    "unscaled_column": _words("unscaled_input", "bouncing diverging crawling noise_floor"),
    "blank_inputs": _words("not_learning", "vanishing crawling"),
    "target_units": _words("unscaled_input crawling", "not_learning"),
    "labels_shuffled": _words("not_learning", "overfitting"),
    "labels_noisy": _words("noise_floor not_learning overfitting"),
    "labels_masked": _words("labels_lost", "not_connected dead"),
    "few_examples": _words("overfitting"),
    "same_batch": _words("overfitting data_order"),
    "sorted_data": _words("data_order", "overfitting"),
    "rows_in_groups": _words("data_order", "overfitting"),
    "nan_example": _words("nonfinite"),
    "wild_rows": _words(
        "exploding unscaled_input", "noise_floor bouncing sigma_burst diverging nonfinite"
    ),
    "imbalance": _words("not_learning", "noise_floor"),
    "held_out_differs": _words("overfitting"),
    # a run that goes on
    "resumed_scale": _words("resume_jump", "diverging bouncing"),
    "resumed_labels": _words("resume_jump", "diverging bouncing"),
    "resumed_state": _words("resume_jump", "warmup_needed sigma_burst diverging"),
    # the net
    "dead_relu": _words("dead", "not_learning vanishing not_connected"),
    "dead_bottleneck": _words("dead", "not_learning vanishing not_connected"),
    "vanishing_sigmoid": _words("vanishing", "not_learning"),
    "vanishing_tanh": _words("vanishing", "not_learning"),
    "exploding_time": _words("exploding", "nonfinite diverging bouncing"),
    "exploding_depth": _words("exploding", "nonfinite diverging bouncing unscaled_input"),
    "saturated": _words("vanishing exploding", "not_learning crawling dead"),
    "symmetric": _words("saddle", "not_learning vanishing"),
    "dropout_heavy": _words("not_learning noise_floor", "vanishing crawling"),
    "output_relu": _words("dead not_learning", "vanishing"),
    "norm_never_trains": _words(
        "exploding vanishing not_learning", "bouncing diverging crawling unscaled_input"
    ),
    "norm_stale": _words("overfitting"),
    # the loop
    "frozen": _words("not_connected", "not_learning"),
    "other_parameters": _words("not_connected"),
    "part_missing": _words("not_connected", "not_learning"),
    "first_missing": _words("not_connected"),
    "zeroed_before_step": _words("not_connected", "dead"),
    "detached": _words("not_connected", "vanishing"),
    "never_zeroed": _words("accumulating", "bouncing diverging"),
    "ascent": _words("diverging", "nonfinite exploding"),
    # the loss
    "softmax_twice": _words("not_learning", "crawling"),
    "loss_of_pairs": _words("not_learning"),
    "log_of_zero": _words("nonfinite"),
}


def judge(cause: str, broken: bool, word: str) -> str:
    """right, near, silent, unclear or wrong; of a healthy run right, unclear or alarm."""
    if word == UNCLEAR:
        return UNCLEAR
    if not broken:
        return "right" if word in SILENT else "alarm"
    if word in SILENT:
        return "silent"
    answer = ANSWERS[cause]
    return "right" if word in answer.right else "near" if word in answer.near else "wrong"
