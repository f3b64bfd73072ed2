# SPDX-License-Identifier: Apache-2.0
"""What each peer's answers mean in our causes: one table, with reasons.

A row is (peer, pattern of the answer, causes for which it counts as right, why). The mapping is
generous: an answer that names a symptom counts for every cause whose cure it would lead to. An
answer that no row matches is an alarm without a cause of ours: wrong everywhere, and a false alarm
on a healthy run. Rows with an empty set say that on purpose; IGNORED answers are no alarm at all.
"""

import re

HEALTHY = frozenset(["healthy"])
IGNORED = None

#: A rate that is too high shows as bouncing or as divergence; lowering it also ends bursts and
#: lowers a noise floor, so an answer "rate too high" is right for all four.
TOO_HIGH = frozenset(["bouncing", "diverging", "sigma_burst", "noise_floor"])
UNSTABLE = frozenset(["bouncing", "diverging", "sigma_burst"])
NOISE = frozenset(["noise_floor"])
LOW = frozenset(["crawling"])
DEAD = frozenset(["dead"])
VANISHING = frozenset(["vanishing"])
NONFINITE = frozenset(["nonfinite"])
#: A plateau that is only described: what a saddle looks like.
PLATEAU = frozenset(["saddle"])
NOTHING = frozenset()

ROWS = [
    # training-doctor: title of a diagnosis, with its evidence behind " | "
    ("training-doctor", r"NaN or Inf", TOO_HIGH | NONFINITE, "its evidence names the NaN"),
    ("training-doctor", r"^Learning rate likely too high", TOO_HIGH, ""),
    ("training-doctor", r"^Learning rate may be too low", LOW, ""),
    ("training-doctor", r"Gradient norms? extremely small", LOW | VANISHING | PLATEAU, ""),
    ("training-doctor", r"plateau", PLATEAU, ""),
    ("training-doctor", r"^Gradient instability", UNSTABLE, ""),
    ("training-doctor", r"mixed precision", NONFINITE, "it reports a NaN after stable training"),
    ("training-doctor", r".", NOTHING, "overfitting and the like"),
    # gradsnitch: rule id and name
    ("gradsnitch", r"^GS00[12]", NONFINITE | frozenset(["diverging"]), "not finite"),
    ("gradsnitch", r"^GS003", UNSTABLE, "gradient spike"),
    ("gradsnitch", r"^GS005", LOW | DEAD | VANISHING | PLATEAU, "its text names all of them"),
    ("gradsnitch", r"^GS006", UNSTABLE, "sustained rise"),
    ("gradsnitch", r"^GS007", VANISHING | DEAD, "its text names dead units too"),
    ("gradsnitch", r"^GS008.*too high", TOO_HIGH, "update to weight ratio"),
    ("gradsnitch", r"^GS008.*too low", LOW, "update to weight ratio"),
    ("gradsnitch", r"^GS009", UNSTABLE, "growing oscillation"),
    ("gradsnitch", r".", NOTHING, "overfitting, schedule"),
    # sk-autod: name of the detector
    ("sk-autod", r"finite numeric", NONFINITE, "it refuses the curve, and says why"),
    ("sk-autod", r"^LR too high", TOO_HIGH, ""),
    ("sk-autod", r"^LR too low", LOW, ""),
    ("sk-autod", r"^Exploding gradient", UNSTABLE, ""),
    ("sk-autod", r"^Dying ReLU", DEAD, ""),
    ("sk-autod", r"^Noisy training", NOISE | frozenset(["bouncing"]), "loss flips direction"),
    ("sk-autod", r"^Label noise floor", NOISE, "a floor, if by another cause"),
    ("sk-autod", r"^Underfitting", PLATEAU, "little improvement"),
    ("sk-autod", r".", NOTHING, "overfitting, leakage, early stopping"),
    # runmedic: id of the check; "info" findings are hints, not alarms
    ("runmedic", r"^non_finite", NONFINITE | frozenset(["diverging"]), ""),
    ("runmedic", r"^divergence", UNSTABLE, ""),
    ("runmedic", r"^(loss|grad)_spikes", UNSTABLE, ""),
    (
        "runmedic",
        r"^no_learning",
        LOW | DEAD | VANISHING | PLATEAU,
        "its text names low rates and a collapsed output",
    ),
    ("runmedic", r"^constant_lr_plateau", NOISE, "its advice is to decay the rate"),
    ("runmedic", r".", NOTHING, "overfitting, hardware"),
    # mldoct: class of its model, and its statistical insights
    ("mldoct", r"(?i)^healthy|Gradient Health", IGNORED, "all is well"),
    ("mldoct", r"(?i)high_variance_batch", NOISE, ""),
    ("mldoct", r"(?i)explod", UNSTABLE | NONFINITE, "'toward Infinity or NaN'"),
    ("mldoct", r"(?i)vanish", VANISHING | DEAD, "'gradient norm dropped near zero'"),
    ("mldoct", r"(?i)lr_too_high|High Loss Volatility", TOO_HIGH, ""),
    ("mldoct", r"(?i)lr_too_low", LOW, ""),
    ("mldoct", r"(?i)underfitting", PLATEAU | LOW, "'or increase the learning rate'"),
    ("mldoct", r".", NOTHING, "overfitting, label noise, missing zero_grad"),
    # torchmortem: title of a finding or an insight
    ("torchmortem", r"^Vanishing gradients", VANISHING, ""),
    ("torchmortem", r"^Gradient stalling", VANISHING | DEAD, ""),
    ("torchmortem", r"^Gradient starvation", VANISHING | DEAD, ""),
    ("torchmortem", r"^Dead units", DEAD, ""),
    ("torchmortem", r"^Activation saturation", VANISHING | frozenset(["bouncing"]), ""),
    ("torchmortem", r"^Exploding|^Weight norm explosion|^Instability", UNSTABLE, ""),
    ("torchmortem", r"^Training divergence", UNSTABLE, ""),
    ("torchmortem", r"^Update ratio too high", TOO_HIGH, ""),
    ("torchmortem", r"^Update ratio too low|^Stagnant weight", LOW, ""),
    ("torchmortem", r"^High gradient noise", NOISE, ""),
    ("torchmortem", r"^Loss plateau|^Training trapped", PLATEAU, "it cites the saddle paper"),
    ("torchmortem", r"^Rank collapse|^Representation", PLATEAU, "equal units have rank one"),
    ("torchmortem", r"^Catapult|^Edge of stability", UNSTABLE, ""),
    ("torchmortem", r".", NOTHING, ""),
    # neuraldbg: kind of event and state that it led to
    ("neuraldbg", r"to_(healthy|stable|normal)", IGNORED, "back to normal"),
    ("neuraldbg", r"^gradient.* to_(vanishing|saturated)", VANISHING | DEAD, "a norm near zero"),
    ("neuraldbg", r"to_(exploding|loss_spike)", UNSTABLE, ""),
    ("neuraldbg", r"to_(diverging|nan_|inf_|anomalous)", NONFINITE | UNSTABLE, "not finite"),
    ("neuraldbg", r"^activation.* to_dead", DEAD, ""),
    ("neuraldbg", r"^activation.* to_saturated", VANISHING | frozenset(["bouncing"]), ""),
    ("neuraldbg", r"to_loss_plateau", PLATEAU | LOW, ""),
    ("neuraldbg", r".", NOTHING, "distribution shift"),
    # torch-audit: rule id and title; the architecture and hardware rules are no diagnosis of a run
    ("torch-audit", r"^TA100", NONFINITE | frozenset(["diverging"]), ""),
    ("torch-audit", r"^TA102", UNSTABLE, ""),
    ("torch-audit", r"^TA10[345]", DEAD, ""),
    ("torch-audit", r"^TA[2345]", IGNORED, "hardware, data layout, weight decay, graph"),
    ("torch-audit", r".", NOTHING, ""),
    # torchdiag: lines of its checks
    ("torchdiag", r"neurons dead", DEAD, ""),
    ("torchdiag", r"exploding", UNSTABLE, ""),
    ("torchdiag", r"vanishing", VANISHING | DEAD, "largest gradient below 1e-7"),
    ("torchdiag", r"not finite|NaN|nan", NONFINITE, ""),
    ("torchdiag", r".", NOTHING, ""),
]


def causes_of(peer: str, answer: str) -> frozenset[str] | None:
    """The causes for which this answer is right; None: it is no alarm."""
    for name, pattern, causes, _ in ROWS:
        if name == peer and re.search(pattern, answer):
            return causes
    raise KeyError(f"{peer} is not in the table")
