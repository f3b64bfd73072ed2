# SPDX-License-Identifier: Apache-2.0
"""Tensors of PyTorch as the library sees them: addresses, layouts, views of its memory."""

import ctypes
import math
from collections.abc import Iterable

import torch

from ravine import _api
from ravine._library import ArgumentError, UnsupportedError, lib_holding_lock
from ravine.torch._dtensors import is_sharded, is_unsummed, local

DTYPES = {torch.float32: _api.RAVINE_F32, torch.float64: _api.RAVINE_F64}
TORCH_DTYPES = {number: dtype for dtype, number in DTYPES.items()}


def _exchange() -> int:
    """The address of PyTorch's table of DLPack functions."""
    capsule = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
    if capsule is None:
        raise ImportError(
            f"ravine.torch needs a newer PyTorch than {torch.__version__}: "
            "one with torch.Tensor.__dlpack_c_exchange_api__"
        )
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get(capsule, b"dlpack_exchange_api")


def _items() -> int:
    """How far behind a tuple's own address those of its objects begin, one after another."""
    behind, shown = tuple.__basicsize__, (object(), object())
    if list((ctypes.c_void_p * 2).from_address(id(shown) + behind)) != list(map(id, shown)):
        raise ImportError("ravine.torch needs CPython: tuples lie otherwise in this Python")
    return behind


_EXCHANGE = _exchange()
_ITEMS = _items()


class Addresses:
    """The addresses of tensors, one for each parameter of an optimizer of the library."""

    def __init__(self, pointer, count: int):
        """For the optimizer at `pointer`, which has `count` parameters."""
        self._pointer, self._count = pointer, count
        self._found = ctypes.c_int64()
        self._objects = ctypes.c_void_p * count
        self.array = (ctypes.c_void_p * count)()

    def read(self, tensors: Iterable) -> int:
        """Fills the array; how many of the tensors are not None.

        Raises:
            ravine.UnsupportedError: one is not row-major, of the parameter's type, on the cpu.
            ravine.ArgumentError: one has another length than its parameter; there are fewer or more
                than parameters.
            RuntimeError: one has no memory of its own (sparse, meta).
        """
        objects = tuple(tensors)  # a tuple remains itself
        if len(objects) != self._count:
            raise ArgumentError(f"{len(objects)} tensors for {self._count} parameters")
        lib_holding_lock.ravine_dlpack_addresses(
            self._pointer,
            self._count,
            _EXCHANGE,
            id(None),
            self._objects.from_address(id(objects) + _ITEMS),
            self.array,
            self._found,
        )
        return self._found.value


def check(tensor: torch.Tensor, what: str) -> None:
    """Raises if the library cannot read a tensor."""
    if tensor.layout is not torch.strided:
        raise UnsupportedError(
            f"{what} is sparse; ravine.torch steps dense tensors (torch.nn.Embedding: sparse=False)"
        )
    if tensor.device.type != "cpu":
        raise UnsupportedError(
            f"{what} is on {tensor.device}; ravine.torch steps tensors on cpu: "
            "step the others with torch.optim"
        )
    if tensor.dtype not in DTYPES:
        raise UnsupportedError(
            f"{what} is {tensor.dtype}; ravine.torch steps torch.float32 and torch.float64: "
            + _INSTEAD.get(tensor.dtype, "step it with torch.optim")
        )
    if not _has_memory(tensor):
        raise UnsupportedError(
            f"{what} is a {type(tensor).__name__} without memory of its own; ravine.torch steps "
            "tensors where they lie: step those with torch.optim"
        )


_LESS_BITS = (
    "keep it in torch.float32 and compute under torch.autocast, or step it with torch.optim"
)
_INSTEAD = {torch.bfloat16: _LESS_BITS, torch.float16: _LESS_BITS}


def check_parameter(tensor: torch.Tensor, what: str, whole: bool = False) -> None:
    """Raises if the library cannot step a tensor; `whole`: by a rule that looks at all of it."""
    part = local(tensor)
    check(part, what)
    if whole and is_sharded(tensor):
        raise UnsupportedError(
            f"{what} is spread over several processes, and this rule's step depends on the whole "
            "tensor: step it with torch.optim, or with a rule that goes by elements"
        )
    if is_unsummed(tensor):
        raise UnsupportedError(
            f"{what} is a DTensor whose parts are still to be summed, {tensor.placements}: "
            "redistribute() it before it becomes a parameter"
        )
    if is_expanded(part):
        raise UnsupportedError(
            f"{what} is expanded: several of its elements are one number in memory; "
            "clone() it before it becomes a parameter"
        )


def is_expanded(tensor: torch.Tensor) -> bool:
    """Whether elements share memory along a dimension, which PyTorch does not write to either."""
    return any(
        stride == 0 and size > 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    )


def _has_memory(tensor: torch.Tensor) -> bool:
    """Not so: a wrapper of other tensors; one whose storage was freed."""
    try:
        return bool(tensor.data_ptr()) or not tensor.numel()
    except RuntimeError:  # PyTorch refuses to say
        return False


def as_it_shows(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, or a copy, row-major and without the bit that negates what is in memory.

    The library reads memory: PyTorch leaves a number's sign to that bit in gradients of imaginary
    parts (torch.Tensor.is_neg). Its other such bit, is_conj(), is of complex tensors alone.
    """
    return tensor.resolve_neg().contiguous()


def storage_order(tensor: torch.Tensor) -> tuple[int, ...] | None:
    """The order of dimensions in which a tensor is row-major; None if there is none.

    (0, 2, 3, 1) for torch.channels_last; None for one with gaps or overlaps.
    """
    if tensor.is_contiguous():
        return tuple(range(tensor.dim()))
    strides = tensor.stride()
    order = tuple(sorted(range(tensor.dim()), key=lambda d: -strides[d]))
    return order if tensor.permute(order).is_contiguous() else None


def in_order(tensor: torch.Tensor, order: tuple[int, ...] | None) -> torch.Tensor:
    """The tensor without its history, with its dimensions in that order."""
    tensor = tensor.detach()
    return tensor if order is None else tensor.permute(order)


def view(handle, name: str, key: str, like: torch.Tensor, order: tuple[int, ...] | None):
    """A state of the library as a tensor, with the layout of `like` if it has its shape."""
    dtype, shape, memory = handle.view(name, key)
    as_like = math.prod(shape) == like.numel() and len(shape) == like.dim()
    if memory is None:
        empty = torch.empty_like(like) if as_like else torch.empty(shape)
        return empty.to(TORCH_DTYPES[dtype])
    flat = torch.frombuffer(memory, dtype=TORCH_DTYPES[dtype])
    if not as_like:
        return flat.view(shape)
    if order is None:
        return flat.view(like.shape)
    inverse = sorted(range(len(order)), key=order.__getitem__)
    return flat.view([like.size(d) for d in order]).permute(inverse)
