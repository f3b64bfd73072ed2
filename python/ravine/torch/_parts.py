# SPDX-License-Identifier: Apache-2.0
"""Several processes that share the parameters, so that none of them sees the norm of all."""

import sys
from typing import Any

from torch import distributed

from ravine._library import UnsupportedError
from ravine.torch._session import name_of

_ZERO = "torch.distributed.optim.zero_redundancy_optimizer"


def check_norm(groups: list[dict[str, Any]], clip_norm: float) -> None:
    """Raises if this process has but a part of what is clipped.

    Where each has everything, as under DistributedDataParallel, all find the same norm. DTensors
    have no memory of their own, and are refused anyway.

    Raises:
        ravine.UnsupportedError: it says what to call instead.
    """
    if not distributed.is_available() or not distributed.is_initialized():
        return
    if distributed.get_world_size() == 1:
        return
    if _is_called_from(_ZERO):
        raise UnsupportedError(
            f"clip_norm={clip_norm:g} under ZeroRedundancyOptimizer would bound the norm of the "
            "parameters that this process steps, not of all; instead call "
            f"torch.nn.utils.clip_grad_norm_(model.parameters(), {clip_norm:g}) before step()"
        )
    for number, group in enumerate(groups):
        for k, p in enumerate(group["params"]):
            if getattr(p, "_fsdp_flattened", False):  # so FullyShardedDataParallel marks them
                raise UnsupportedError(
                    f"clip_norm={clip_norm:g} would bound the norm of the parts that this process "
                    f"has, and {name_of(number, group, k)} is one, of FullyShardedDataParallel; "
                    f"instead call model.clip_grad_norm_({clip_norm:g}) before step()"
                )


def _is_called_from(module: str) -> bool:
    """Whether a function of a module is being run: an optimizer does not know who wraps it."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back
    return frame is not None
