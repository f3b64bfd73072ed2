# SPDX-License-Identifier: Apache-2.0
"""The complaints: the page of each, its training, and which answers count as right.

The answers were written before the first run. They are what the doctor should say. Where it says
something else, `says` has that and the page tells it; a test fails once the doctor has learned it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from complaints import models, numbers, rewards, settings

FINE = frozenset({"healthy"})


@dataclass(frozen=True)
class Complaint:
    """A training with its mistake, and the same without it."""

    page: str  # docs/stuck/PAGE.md
    train: Callable  # (mended) -> a diagnosis, or one with a number that the page names
    right: frozenset[str]  # verdicts that name the mistake
    fine: frozenset[str] = FINE  # right where the mistake is mended
    says: str = ""  # the verdict that it gives, if that is not right

    @property
    def name(self) -> str:
        """Of its training."""
        return self.train.__name__

    def diagnosis(self, mended: bool = False):
        """What the doctor says at the end, and the number, if there is one."""
        found = self.train(mended)
        return found if isinstance(found, tuple) else (found, None)


def _of(*verdicts: str) -> frozenset[str]:
    return frozenset(verdicts)


TOO_LITTLE = _of("healthy", "unclear")  # the loss of a policy gradient does not tell more
COMPLAINTS = [
    Complaint("half_precision", numbers.half_weights, _of("nonfinite")),
    Complaint("masked_labels", numbers.labels_masked, _of("labels_lost")),
    Complaint("masked_labels", numbers.labels_masked_in_a_mean, _of("labels_lost")),
    # What a few broken batches did is over: nothing is wrong with the run.
    Complaint("loss_spike", models.spike_of_data, _of("healthy", "unclear")),
    Complaint("loss_spike", models.spike_of_optimizer, _of("sigma_burst")),
    Complaint("clipping", settings.clipping, _of("clipped")),
    Complaint("lora", models.adapter_forgotten, _of("not_connected")),
    Complaint("lora", models.adapter_frozen, _of("not_connected")),
    Complaint("lora", models.adapter_of_zeros, _of("dead", "saddle", "not_connected")),
    Complaint("lora", models.adapter_sound, FINE),
    Complaint("rewards", rewards.reward_of_zero, _of("labels_lost"), TOO_LITTLE),
    Complaint(
        "rewards", rewards.reward_collapse, _of("dead", "unclear"), TOO_LITTLE, says="healthy"
    ),
    Complaint("rewards", rewards.reward_told, _of("dead", "unclear", "diverging"), says="healthy"),
    Complaint("flat_loss", models.flat_softmax, _of("not_learning")),
    Complaint("flat_loss", models.flat_labels, _of("not_learning")),
    Complaint("resume", settings.resume, _of("resume_jump", "warmup_needed")),
    Complaint("loss_scale", numbers.loss_scale, _of("unclear", "nonfinite")),
    # Training is well; what differs is how much each label counts.
    Complaint("accumulation", settings.accumulate, FINE),
    # In float32 the same rate is small, too, but nothing of it is lost.
    Complaint("bf16_weights", numbers.bf16_weights, _of("update_lost"), _of("healthy", "crawling")),
    Complaint("rising_gradient", models.rising_gradient, FINE),
    Complaint("schedule", settings.schedule, _of("lr_zero")),
    Complaint("batch_and_rate", settings.batch_and_rate, _of("diverging")),
    Complaint(
        "optimizer_swap",
        settings.swap_to_adam,
        _of("warmup_needed", "diverging", "bouncing"),
        says="dead",
    ),
    Complaint("optimizer_swap", settings.swap_to_sgd, _of("crawling")),
]
PAGES = list(dict.fromkeys(complaint.page for complaint in COMPLAINTS))
