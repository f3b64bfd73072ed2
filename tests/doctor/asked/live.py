"""The doctor beside a training in PyTorch, told what a careful author of the script tells it."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import ravine.torch
import torch
from outside.observe import Nobody
from outside.world import Facts
from ravine import _api
from ravine._library import lib
from torch import Tensor, nn


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
        self.losses: list[float] = []
        self.done = 0
        self.lr = math.nan  # of the first group, when it was asked last
        self.cures: list[Any] = []  # of the last answer

    def begin(self, net: nn.Module, optimizer: torch.optim.Optimizer, facts: Facts) -> None:
        """Has a doctor watch, and tells it what does not change."""
        self.doctor = ravine.torch.watch(optimizer, on_verdict=lambda diagnosis: None)
        self.net, self.optimizer = net, optimizer
        self.silent = {p for group in optimizer.param_groups for p in group["params"]}
        self.given = set(self.silent)
        self._tell("TOTAL_STEPS", facts.steps)
        self._tell("CLASSES", facts.classes)
        self._tell("CONSTANT_LOSS", facts.constant_loss)
        self._tell("CLIP_NORM", facts.clip_norm)
        parameters = list(net.parameters())
        frozen = [p for p in parameters if not p.requires_grad]
        foreign = [p for p in parameters if p.requires_grad and p not in self.given]
        self._tell("FROZEN_SHARE", _share(frozen, parameters))
        self._tell("FOREIGN_SHARE", _share(foreign, parameters))

    def forward(self, loss: Tensor, indices: Tensor) -> None:
        """Keeps the losses of a step's batches."""
        if not self.losses:
            self._tell("EXAMPLE", int(indices[0]))
        self.losses.append(float(loss.detach()))

    def before_step(self, step: int) -> None:
        """Tells the loss, and which parameters have never had a gradient."""
        self.doctor.tell(sum(self.losses) / len(self.losses))
        self.losses = []
        if step == 1 or is_look(step):
            self.silent = {p for p in self.silent if p.grad is None}
            self._tell("UNREACHED_SHARE", _share(self.silent, self.given))

    def step(self, step: int, loss: float, indices: Tensor) -> None:
        """Asks, if it is time."""
        self.done = step
        if is_look(step):
            self._ask()

    def validation(self, step: int, loss: float) -> None:
        """Tells the loss on held-out examples."""
        self._tell("VALIDATION", loss)

    def end(self) -> None:
        """Asks, whatever the step."""
        if not self.answers or self.answers[-1].step != self.done:
            self._ask()

    def _ask(self) -> None:
        said = self.doctor.diagnose()
        cure = said.cures[0].text if said.cures else ""
        self.answers.append(Answer(self.done, said.verdict, said.confidence, said.also, cure))
        self.cures, self.lr = said.cures, self.optimizer.param_groups[0]["lr"]

    def _tell(self, fact: str, value: float | None) -> None:
        if value is not None and not math.isnan(value):
            lib.ravine_doctor_tell(
                self.doctor._pointer, getattr(_api, f"RAVINE_FACT_{fact}"), float(value)
            )


def _share(some, of_all) -> float:
    return sum(p.numel() for p in some) / max(1, sum(p.numel() for p in of_all))
