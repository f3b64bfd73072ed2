# SPDX-License-Identifier: Apache-2.0
"""DTensors: the numbers lie in a tensor of each process, its part, and the library steps that."""

import math
import sys
from typing import Any

from torch import Tensor


def is_dtensor(tensor: Any) -> bool:
    """Whether it is one. Whoever made one has imported their module, which takes half a second."""
    kind = getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", None)
    return kind is not None and isinstance(tensor, kind)


def is_sharded(tensor: Tensor) -> bool:
    """Whether other processes have numbers of a parameter that this one has not."""
    if not is_dtensor(tensor):
        return getattr(tensor, "_fsdp_flattened", False)  # so FullyShardedDataParallel marks them
    return shards_of(tensor) > 1


def shards_of(tensor: Tensor) -> int:
    """Over how many processes the numbers of a DTensor are spread, copies not counted; 1: none."""
    if not is_dtensor(tensor):
        return 1
    spread = zip(tensor.placements, tensor.device_mesh.shape, strict=True)
    return math.prod(size for placement, size in spread if not placement.is_replicate())


def is_unsummed(tensor: Tensor) -> bool:
    """Whether the numbers are those of all processes' parts together."""
    return is_dtensor(tensor) and any(placement.is_partial() for placement in tensor.placements)


def local(tensor: Any) -> Any:
    """This process's part of a DTensor, where it lies; anything else as it is."""
    if not is_dtensor(tensor):
        return tensor
    part = tensor._local_tensor  # to_local() would bring autograd along
    return part.wait() if hasattr(part, "wait") else part


def beside(grad: Tensor | None, p: Tensor) -> Tensor | None:
    """A gradient, spread over the processes as its parameter is: itself where it is so already."""
    if not is_dtensor(grad) or not is_dtensor(p) or grad.placements == p.placements:
        return grad
    return grad.redistribute(p.device_mesh, p.placements)


def like(part: Tensor, whole: Tensor) -> Tensor:
    """A state of a parameter's part, as a DTensor if the parameter is one.

    So torch.distributed.checkpoint can spread it over other processes. A single number that belongs
    to a whole parameter is the same in every process, and stays a tensor, as in torch.optim.
    """
    if not is_dtensor(whole) or (not part.dim() and whole.dim()):
        return part
    size = {}
    if part.shape == local(whole).shape:
        size = {"shape": whole.shape, "stride": whole.stride()}
    return type(whole).from_local(
        part, whole.device_mesh, whole.placements, run_check=False, **size
    )


def spread_as(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor that every process has, as a DTensor if the other one is: its part is a copy."""
    if not is_dtensor(like) or is_dtensor(tensor):
        return tensor
    distribute = sys.modules["torch.distributed.tensor"].distribute_tensor
    return distribute(tensor, like.device_mesh, like.placements, src_data_rank=None)
