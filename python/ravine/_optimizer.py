# SPDX-License-Identifier: Apache-2.0
"""Optimizers of NumPy arrays."""

import ctypes
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from ravine import _api
from ravine._library import (
    ArgumentError,
    Handle,
    UnsupportedError,
    config_of,
    lib,
    made,
    record_of,
)
from ravine._records import StatsRecord
from ravine._schedule import Schedule

DTYPES: dict[Any, int] = {
    np.dtype(np.float32): _api.RAVINE_F32,
    np.dtype(np.float64): _api.RAVINE_F64,
}
NUMPY_DTYPES = {number: dtype for dtype, number in DTYPES.items()}
NONFINITE = {
    "hold": _api.RAVINE_HOLD,
    "skip": _api.RAVINE_SKIP,
    "propagate": _api.RAVINE_PROPAGATE,
}


class Status(IntEnum):
    """How a step went (ravine_status)."""

    DONE = _api.RAVINE_OK
    SKIPPED = _api.RAVINE_SKIPPED
    CLIPPED = _api.RAVINE_CLIPPED
    HELD = _api.RAVINE_HELD

    @property
    def text(self) -> str:
        """In words: "step done: the gradient norm was clipped"."""
        return lib.ravine_status_text(self).decode()


@dataclass(frozen=True, slots=True)
class StepStats(StatsRecord):
    """What a step did (ravine_step_stats). Norms are Euclidean, over gradients before clipping.

    From `line_position` on a number is NaN unless the optimizer keeps statistics:
    docs/internals/statistics.md.
    """

    status: Status


def stats_of(status: int, stats) -> StepStats:
    """The Python form of a filled ravine_step_stats."""
    return record_of(StepStats, stats, status=Status(status))


def options_of(nonfinite: str, clip_norm: float | None, grad_scale: float, zero_grad: bool):
    """A ravine_options; clip_norm None: off."""
    if nonfinite not in NONFINITE:
        raise ArgumentError(f"nonfinite is {nonfinite!r}; it must be one of {', '.join(NONFINITE)}")
    options = made(_api.ravine_options, lib.ravine_options_init)
    options.nonfinite = NONFINITE[nonfinite]
    options.clip_norm = math.inf if clip_norm is None else clip_norm
    options.grad_scale = grad_scale
    options.zero_grad = zero_grad
    return options


def setting_number(name: str) -> int:
    """The number of a setting."""
    number = lib.ravine_setting_find(name.encode())
    if number < 0:
        raise ArgumentError(f"there is no setting {name}")
    return number


def choices_of(setting: int) -> list[str]:
    """The words of a setting that is a choice."""
    info = lib.ravine_setting_describe(setting).contents
    return [word.decode() for word in info.choice[: info.nchoices]]


def choice_number(name: str, word: str) -> int:
    """The number of a word of a choice."""
    words = choices_of(setting_number(name))
    if word not in words:
        raise ArgumentError(f"{name} is {word!r}; it must be one of {', '.join(words)}")
    return words.index(word)


def _option(index: int, name: str) -> property:
    """An attribute of every step, number `index` of the arguments of options_of()."""

    def get(self):
        return self._options[index]

    def change(self, value):
        changed = (*self._options[:index], value, *self._options[index + 1 :])
        self._check_gradients(written=changed[3])
        lib.ravine_set_options(self._o, options_of(*changed))
        self._options = changed

    return property(get, change, doc=f"{name}, as in the constructor; set it between steps.")


def _fits(array, written: bool) -> bool:
    """Whether the library can step on an array, or read it."""
    if not isinstance(array, np.ndarray) or array.dtype not in DTYPES or not array.dtype.isnative:
        return False
    flags = array.flags
    return flags.carray or (not written and flags.c_contiguous and flags.aligned)


def _described(array, written: bool) -> str:
    """An array that does not fit, with what it lacks."""
    if not isinstance(array, np.ndarray):
        return type(array).__name__
    flags = array.flags
    lacks = {
        "byte-swapped": not array.dtype.isnative,
        "not aligned": not flags.aligned,
        "not C-contiguous": not flags.c_contiguous,
        "read-only": written and not flags.writeable,
    }
    return ", ".join([str(array.dtype), *(what for what, is_so in lacks.items() if is_so)])


class Optimizer:
    """Steps NumPy arrays in place, by any rule of the library.

        optimizer = ravine.Optimizer("adamw lr=3e-4", {"w": w, "b": b}, clip_norm=1.0)
        optimizer.set("lr", "warmup(100) cosine(900) lr=3e-4")
        optimizer.step({"w": dw, "b": db})
        optimizer.state("w")["exp_avg"]

    The arrays stay the caller's: float32 or float64, C-contiguous, aligned, of any shape. One
    optimizer is for one thread at a time; a step uses several inside. Rules, settings, defaults and
    papers: docs/rules/.
    """

    def __init__(
        self,
        rule: str = "adam",
        arrays: Mapping[str, np.ndarray] | None = None,
        *,
        nonfinite: str = "hold",
        clip_norm: float | None = None,
        grad_scale: float = 1.0,
        zero_grad: bool = False,
        threads: int = 0,
        isa: str | None = None,
        statistics: bool = False,
    ):
        """Makes an optimizer with one group, number 0.

        Args:
            rule: text form of a rule, "adamw lr=3e-4 beta2=0.99".
            arrays: parameters by name, as for add().
            nonfinite: what happens to gradients that are not finite: "hold" leaves such elements
                as they are, "skip" leaves the step out, "propagate" checks nothing.
            clip_norm: bound on the norm of all gradients, > 0; None: off.
            grad_scale: gradients are divided by it first, > 0.
            zero_grad: gradients are zero after the step.
            threads: of the step; 0: $RAVINE_THREADS, else one per processor.
            isa: instruction set of the kernels; None: $RAVINE_ISA, else the best there is.
            statistics: whether to keep what a Doctor looks at (ravine_env.statistics).

        Raises:
            ravine.ArgumentError, ravine.RangeError, ravine.FormatError: with thing, value, limit;
                all are ValueErrors.
        """
        self._options = (nonfinite, clip_norm, grad_scale, zero_grad)
        options = options_of(*self._options)
        self._handle = Handle(config_of(rule), threads, isa, statistics)
        self._o = self._handle.pointer
        lib.ravine_set_options(self._o, options)
        self._arrays: dict[str, np.ndarray] = {}  # in the order of adding
        self._grads: list[np.ndarray | None] = []
        if arrays:
            self.add(arrays)

    def add_group(self, rule: str) -> int:
        """Adds a group with a rule of its own; its number."""
        group = ctypes.c_int32()
        lib.ravine_add_group(self._o, config_of(rule), group)
        return group.value

    def add(self, arrays: Mapping[str, np.ndarray], group: int = 0) -> None:
        """Adds parameters to a group, all or, on an error, none, and allocates their state.

        Raises:
            ravine.UnsupportedError: an array is not float32 or float64, aligned, writable,
                C-contiguous.
            ravine.ArgumentError: a name is there twice.
        """
        params = (_api.ravine_param * len(arrays))()
        for param, (name, array) in zip(params, arrays.items(), strict=True):
            self._check(name, array, written=True)
            param.size = ctypes.sizeof(_api.ravine_param)
            param.dtype = DTYPES[array.dtype]
            param.group = group
            param.name = name.encode()
            param.data = array.ctypes.data
            param.len = array.size
            param.shape = (ctypes.c_int64 * array.ndim)(*array.shape)
            param.ndim = array.ndim
        lib.ravine_add(self._o, params, len(arrays))
        self._arrays.update(arrays)
        self._grads += [None] * len(arrays)

    def _check(self, name: str, array: np.ndarray, written: bool) -> None:
        """The library can step on an array."""
        if not _fits(array, written):
            raise UnsupportedError(
                f"the array of {name} is {_described(array, written)}; it must be an aligned, "
                f"C-contiguous{', writable' * written} array of float32 or float64"
            )

    def _check_gradients(self, written: bool) -> None:
        """The arrays that are bound are still such as the library reads, or writes."""
        for name, grad in zip(self._arrays, self._grads, strict=True):
            if grad is not None:
                self._check(f"the gradient of {name}", grad, written)

    def step(self, grads: Mapping[str, np.ndarray] | None = None, *, stats: bool = False):
        """One step of every parameter that has a gradient, in place.

        Args:
            grads: gradients by name, of the shape and dtype of the parameters; a name that is
                missing, or None, has no gradient in this step. None: the arrays of the step before,
                with whatever is in them now.
            stats: also measure; costs little, in the same pass.

        Returns:
            A Status, or StepStats if asked for one.
        """
        if grads is not None:
            self._bind(grads)
        elif self._options[3]:
            self._check_gradients(written=True)
        measured = made(_api.ravine_step_stats) if stats else None
        status = lib.ravine_step(self._o, measured)
        return stats_of(status, measured) if stats else Status(status)

    def _bind(self, grads: Mapping[str, np.ndarray]) -> None:
        unknown = [name for name in grads if name not in self._arrays]
        if unknown:
            raise ArgumentError(f"there is no parameter {unknown[0]}")
        bound = [grads.get(name) for name in self._arrays]
        addresses = (ctypes.c_void_p * len(bound))()
        for i, (grad, (name, array)) in enumerate(zip(bound, self._arrays.items(), strict=True)):
            if grad is None:
                continue
            self._check(f"the gradient of {name}", grad, written=self._options[3])
            if (grad.shape, grad.dtype) != (array.shape, array.dtype):
                raise ArgumentError(
                    f"the gradient of {name} is {grad.dtype}{list(grad.shape)}; "
                    f"it must be {array.dtype}{list(array.shape)}"
                )
            addresses[i] = grad.ctypes.data
        lib.ravine_bind(self._o, 0, len(bound), None, addresses)
        self._grads = bound  # alive as long as they are bound

    def set(self, setting: str, value, group: int = -1) -> None:
        """A setting from the next step on.

        Args:
            setting: its name, "lr".
            value: a number, a flag, a word of a choice, or a Schedule or the text of one.
            group: its number; -1: every group.
        """
        number = setting_number(setting)
        info = lib.ravine_setting_describe(number).contents
        if isinstance(value, str) and info.kind == _api.RAVINE_KIND_CHOICE:
            value = choice_number(setting, value)
        if isinstance(value, str):
            value = Schedule(value)
        if isinstance(value, Schedule):
            lib.ravine_set_schedule(self._o, group, number, value._value)
        else:
            lib.ravine_set(self._o, group, number, value)

    def get(self, setting: str, group: int = 0) -> float:
        """The value that the next step will use."""
        value = ctypes.c_double()
        lib.ravine_get(self._o, group, setting_number(setting), value)
        return value.value

    nonfinite = _option(0, "nonfinite")
    clip_norm = _option(1, "clip_norm")
    grad_scale = _option(2, "grad_scale")
    zero_grad = _option(3, "zero_grad")

    def _number(self, name: str) -> int:
        if name not in self._arrays:
            raise ArgumentError(f"there is no parameter {name}")
        return list(self._arrays).index(name)

    def state(self, name: str) -> dict[str, np.ndarray]:
        """The state of a parameter by PyTorch's keys, as arrays that show the library's memory.

        Writing to them changes the state. They stay valid as long as anything refers to them.
        """
        views = {}
        for key in self._handle.keys(self._number(name)):
            dtype, shape, memory = self._handle.view(name, key)
            views[key] = np.frombuffer(memory or b"", NUMPY_DTYPES[dtype]).reshape(shape)
        return views

    def sigma(self, name: str) -> np.ndarray:
        """sigma_t of the parameter's last step, float64: the step was lr / sigma_t * m_t.

        Raises:
            ravine.UnsupportedError: the rule uses signs alone (lion, signum, rprop).
            ravine.StateError: before the first step.
        """
        self._number(name)
        sigma = np.empty(self._arrays[name].shape)
        pointer = sigma.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        lib.ravine_sigma(self._o, name.encode(), pointer, sigma.size)
        return sigma

    def step_count(self, name: str) -> int:
        """The steps that a parameter has made."""
        return lib.ravine_step_count(self._o, self._number(name))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The parameters by name, in the order of adding."""
        return dict(self._arrays)

    @property
    def steps(self) -> int:
        """Applied steps."""
        return lib.ravine_steps(self._o)

    @property
    def memory_bytes(self) -> int:
        """Bytes that the library holds for this optimizer."""
        return lib.ravine_memory_bytes(self._o)

    def group_stats(self, group: int) -> StepStats:
        """The part of the last step's statistics that belongs to one group."""
        measured = made(_api.ravine_step_stats)
        status = lib.ravine_group_stats(self._o, group, measured)
        return stats_of(status, measured)

    def param_stats(self, name: str) -> StepStats:
        """The same of one parameter."""
        measured = made(_api.ravine_step_stats)
        status = lib.ravine_param_stats(self._o, self._number(name), measured)
        return stats_of(status, measured)

    def save(self, path: str | os.PathLike, *, verify: bool = False) -> None:
        """Writes everything that the next step depends on, whole or not at all (ravine_save).

        Args:
            path: of the checkpoint, a safetensors file: docs/checkpoints.md.
            verify: read it back and compare before it gets its name.

        Raises:
            ravine.FileError: it could not be written; the old file is as it was.
        """
        options = made(_api.ravine_save_options, lib.ravine_save_options_init)
        options.verify = verify
        lib.ravine_save(self._o, os.fsencode(path), options)

    def load(self, path: str | os.PathLike, *, partial: bool = False) -> list[str]:
        """Goes on where the optimizer was that wrote a checkpoint (ravine_load).

        Args:
            path: of the checkpoint; arrays, rules and settings must be those that it was made with.
            partial: take what fits by name, shape and type, and leave the rest.

        Returns:
            With `partial`, what was taken and what was not, a line each.

        Raises:
            ravine.FormatError: the file is damaged, or does not fit; nothing has changed.
            ravine.FileError: it cannot be read.
        """
        told: list[str] = []
        options = made(_api.ravine_load_options, lib.ravine_load_options_init)
        options.partial = partial
        if partial:
            kind = dict(_api.ravine_load_options._fields_)["tell"]
            options.tell = kind(lambda _, line: told.append(line.decode()))
        lib.ravine_load(self._o, os.fsencode(path), options)
        return told
