# SPDX-License-Identifier: Apache-2.0
"""The doctor beside a training in PyTorch, told what a careful author of the script tells it."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import ravine.torch
import torch
from outside.observe import Nobody
from outside.world import Facts
from torch import Tensor, nn

FACTS = ("classes", "constant_loss", "clip_norm")  # that the author knows


@dataclass(frozen=True)
class Answer:
    """What the doctor said after a step."""

    step: int
    word: str
    confidence: float | None  # None: a log does not tell
    also: list[str] = field(default_factory=list)
    cure: str = ""  # the first one

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def is_look(step: int) -> bool:
    """Is the doctor asked after this step? Early, and then every 64 steps."""
    return step in (16, 32) or step % 64 == 0


class Live(Nobody):
    """An observer that asks while the training runs: at every look, and at the end."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.begun = False  # is a step on its way?
        self.done = 0
        self.lr = math.nan  # of the first group, when it was asked last
        self.cures: list[Any] = []  # of the last answer

    def begin(self, net: nn.Module, optimizer: torch.optim.Optimizer, facts: Facts) -> None:
        """Has a doctor watch, and tells it what no step shows."""
        known = {name: getattr(facts, name) for name in FACTS}
        known["lr_end"] = optimizer.param_groups[0]["lr"] * facts.rates[-1]
        self.doctor = ravine.torch.watch(
            optimizer,
            net,
            on_verdict=lambda diagnosis: None,
            total_steps=facts.steps,
            **{name: float(value) for name, value in known.items() if value is not None},
        )
        self.optimizer = optimizer

    def forward(self, loss: Tensor, indices: Tensor) -> None:
        """Tells the loss of a batch, and of the first one of a step its examples."""
        if not self.begun:
            self.doctor.tell_data(indices)
        self.begun = True
        self.doctor.tell(loss)

    def step(self, step: int, loss: float, indices: Tensor) -> None:
        """Asks, if it is time."""
        self.begun = False
        self.done = step
        if is_look(step):
            self._ask()

    def validation(self, step: int, loss: float) -> None:
        """Tells the loss on held-out examples."""
        self.doctor.tell_validation(loss)

    def end(self) -> None:
        """Asks, whatever the step."""
        if not self.answers or self.answers[-1].step != self.done:
            self._ask()
        self.doctor.detach()

    def _ask(self) -> None:
        said = self.doctor.diagnose()
        cure = said.cures[0].text if said.cures else ""
        self.answers.append(Answer(self.done, said.verdict, said.confidence, said.also, cure))
        self.cures, self.lr = said.cures, self.optimizer.param_groups[0]["lr"]
