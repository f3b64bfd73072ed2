# SPDX-License-Identifier: Apache-2.0
"""Several processes that share the parameters, so that none of them sees the gradients of all."""

import math
import sys
from typing import Any

from torch import Tensor, distributed, optim

from ravine._library import UnsupportedError
from ravine.torch._dtensors import is_dtensor, is_sharded
from ravine.torch._session import name_of

_ZERO = "torch.distributed.optim.zero_redundancy_optimizer"


def are_several() -> bool:
    """Whether this process works together with others."""
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )


def is_of_zero() -> bool:
    """Whether ZeroRedundancyOptimizer is making an optimizer, for a part of the parameters."""
    return are_several() and _is_called_from(_ZERO)


def parameters_of(optimizer: optim.Optimizer) -> list[Tensor]:
    """Of all groups, in their order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def stepping(optimizer: optim.Optimizer) -> optim.Optimizer:
    """The one whose state is this process's part under ZeroRedundancyOptimizer, or itself."""
    return optimizer.optim if spreads_state(optimizer) else optimizer


def spreads_state(optimizer: optim.Optimizer) -> bool:
    """Whether each process has the state of some parameters, and steps these alone."""
    zero = sys.modules.get(_ZERO)
    if zero is None or not isinstance(optimizer, zero.ZeroRedundancyOptimizer):
        return False
    return not optimizer._overlap_with_ddp  # it steps buckets of gradients, not parameters


def check_whole(
    groups: list[dict[str, Any]], clip_norm: float | None, nonfinite: str, of_zero: bool
) -> None:
    """Raises if a step would depend on all gradients, and this process has but a part of them.

    Where each has everything, as under DistributedDataParallel, all find the same norm.

    Raises:
        ravine.UnsupportedError: it says what to call instead.
    """
    clips = clip_norm is not None and clip_norm != math.inf
    if not (clips or nonfinite == "skip") or not are_several():
        return
    part = _part_of(groups, of_zero)
    if part is None:
        return
    where, owner = part
    if clips:
        call = (
            "model.clip_grad_norm_("
            if owner
            else "torch.nn.utils.clip_grad_norm_(model.parameters(), "
        )
        raise UnsupportedError(
            f"clip_norm={clip_norm:g} would bound the norm of the part that this process has, "
            f"not that of all: {where}; instead call {call}{clip_norm:g}) before step()"
        )
    raise UnsupportedError(
        "nonfinite='skip' would leave out the step of this process alone when its part of the "
        f"gradients is not finite: {where}; nonfinite='hold' goes by elements"
    )


def _part_of(groups: list[dict[str, Any]], of_zero: bool) -> tuple[str, bool] | None:
    """How a part shows, and whether its model clips; None: this process has everything."""
    if of_zero:
        return "it steps under ZeroRedundancyOptimizer", False
    for number, group in enumerate(groups):
        for k, p in enumerate(group["params"]):
            if is_sharded(p):
                name = name_of(number, group, k)
                if is_dtensor(p):
                    return f"{name} is a DTensor, {p.placements}", False
                return f"{name} is one of FullyShardedDataParallel", True
    return None


def _is_called_from(module: str) -> bool:
    """Whether a function of a module is being run: an optimizer does not know who wraps it."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back
    return frame is not None
