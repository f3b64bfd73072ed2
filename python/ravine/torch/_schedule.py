# SPDX-License-Identifier: Apache-2.0
"""Ravine's schedules as PyTorch's learning-rate schedulers."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ravine._library import ArgumentError
from ravine._schedule import Schedule as Values


class Schedule(LRScheduler):
    """The learning rate of every step from a text, for any optimizer of PyTorch's kind.

        scheduler = ravine.torch.Schedule(optimizer, "warmup(1000) cosine(9000) lr=3e-4")
        ...
        optimizer.step(); scheduler.step()

    The first step of the optimizer uses the value at step 0. The schedule says the learning rate
    itself: what the groups had before does not matter. Grammar: docs/schedules.md.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: str | Values | Sequence[str | Values],
        last_epoch: int = -1,
    ):
        """One schedule for all groups, or a list with one for each.

        Raises:
            ValueError: a text is wrong, or there are more or fewer than groups.
        """
        if isinstance(schedule, (str, Values)):
            schedule = [schedule] * len(optimizer.param_groups)
        self.schedules = [s if isinstance(s, Values) else Values(s) for s in schedule]
        if len(self.schedules) != len(optimizer.param_groups):
            raise ArgumentError(
                f"there are {len(self.schedules)} schedules for {len(optimizer.param_groups)} "
                "parameter groups"
            )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """The learning rate of each group at this step."""
        return [schedule(self.last_epoch) for schedule in self.schedules]

    _get_closed_form_lr = get_lr  # for step(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The step, and the schedules as texts."""
        return super().state_dict() | {"schedules": [str(s) for s in self.schedules]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As PyTorch's: the schedules are those of the state, too."""
        schedules = [Values(text) for text in state_dict["schedules"]]
        super().load_state_dict(state_dict | {"schedules": schedules})
