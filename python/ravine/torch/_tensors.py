"""Tensors of PyTorch as the library sees them: addresses, layouts, views of its memory."""

import ctypes

import torch

from ravine import _api
from ravine._library import UnsupportedError, lib_holding_lock

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


_EXCHANGE = _exchange()


class Addresses:
    """The addresses of tensors, one for each parameter of an optimizer of the library."""

    def __init__(self, pointer, count: int):
        """For the optimizer at `pointer`, which has `count` parameters."""
        self._pointer, self._count = pointer, count
        self._found = ctypes.c_int64()
        self._objects = ctypes.c_void_p * count
        self.array = self._objects()

    def read(self, tensors: tuple) -> int:
        """Fills the array; how many of the tensors are not None.

        Raises:
            ravine.UnsupportedError: one is not row-major, of the parameter's type, on the cpu.
            ravine.ArgumentError: one has another length than its parameter.
            RuntimeError: one has no memory of its own (sparse, meta).
        """
        lib_holding_lock.ravine_dlpack_addresses(
            self._pointer,
            self._count,
            _EXCHANGE,
            _NONE,
            # A tuple's items follow its head: to read them here takes a twentieth of the time that
            # it takes to make an array of their id().
            self._objects.from_address(id(tensors) + _TUPLE_HEAD),
            self.array,
            self._found,
        )
        return self._found.value


_NONE = id(None)
_TUPLE_HEAD = tuple.__basicsize__


def check(tensor: torch.Tensor, what: str) -> None:
    """Raises if the library cannot step on a tensor."""
    if tensor.layout is not torch.strided:
        raise UnsupportedError(f"{what} is sparse; ravine.torch steps dense tensors")
    if tensor.device.type != "cpu":
        raise UnsupportedError(f"{what} is on {tensor.device}; ravine.torch steps tensors on cpu")
    if tensor.dtype not in DTYPES:
        raise UnsupportedError(
            f"{what} is {tensor.dtype}; ravine.torch steps torch.float32 and torch.float64"
        )


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
    """A state of the library as a tensor: a number, or of the shape and layout of `like`."""
    dtype, shape, memory = handle.view(name, key)
    if memory is None:
        return torch.empty_like(like, dtype=TORCH_DTYPES[dtype])
    flat = torch.frombuffer(memory, dtype=TORCH_DTYPES[dtype])
    if not shape:
        return flat.view(())
    if order is None:
        return flat.view(like.shape)
    inverse = sorted(range(len(order)), key=order.__getitem__)
    return flat.view([like.size(d) for d in order]).permute(inverse)
