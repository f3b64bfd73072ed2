"""Copies of some elements of every parameter of an optimizer, around its steps.

Small parameters are copied whole, of large ones chunks of 128 elements that lie evenly spread, the
same ones in every step. What becomes of them: ravine_doctor_observe_samples.
"""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ravine import _api
from ravine.torch._known import Known

CHUNK = 128
WANTED = 1 << 13  # samples in all, if small parameters leave as many
LEAST = 8  # chunks of a parameter, or all of it
EXACT = 1 << 16  # numbers up to which gradients are measured whole, and sigma at every step
SIGMA_EVERY = 4  # steps, of more numbers

# ravine_samples with its pointers as addresses: a table with a row for each part.
_FIELDS = {name: getattr(_api.ravine_samples, name) for name, _ in _api.ravine_samples._fields_}
_TYPES = {name: kind for name, kind in _api.ravine_samples._fields_}
ROW = np.dtype(
    {
        "names": list(_FIELDS),
        "offsets": [field.offset for field in _FIELDS.values()],
        "formats": [
            np.dtype(kind) if issubclass(kind, ctypes._SimpleCData) else np.dtype(np.uintp)
            for kind in _TYPES.values()
        ],
        "itemsize": ctypes.sizeof(_api.ravine_samples),
    }
)


def _every(length: int, most: int) -> int:
    """The greatest power of two up to `most` that leaves a parameter enough chunks; 1: all."""
    while most > 1 and length // (CHUNK * most) < LEAST:
        most //= 2
    return most


def _count(length: int, every: int) -> int:
    return length if every == 1 else length // (CHUNK * every) * CHUNK


def spread(lengths: Sequence[int]) -> list[int]:
    """Of parameters so long every how many-th chunk is copied; 1: the whole."""
    most = 1
    while True:
        chosen = [_every(n, most) for n in lengths]
        if sum(map(_count, lengths, chosen)) <= WANTED or most > max(lengths):
            return chosen
        most *= 2


@dataclass(slots=True)
class Place:
    """Where a parameter's samples lie among all."""

    at: int
    count: int
    every: int
    shape: torch.Size  # of the parameter

    def of(self, tensor: Tensor) -> Tensor:
        """The samples of a tensor that is as the parameter is: a view, where it lies row by row."""
        if self.every == 1:
            return tensor
        if tensor.is_contiguous():
            rows = (self.count // CHUNK, CHUNK)
            return tensor.as_strided(rows, (CHUNK * self.every, 1), tensor.storage_offset())
        spaced = tensor.reshape(-1)[: self.count * self.every]
        return spaced.view(-1, self.every, CHUNK)[:, 0]

    def into(self, flat: Tensor) -> Tensor:
        """Where they go, in an array of all samples."""
        mine = flat[self.at : self.at + self.count]
        return mine.view(self.shape) if self.every == 1 else mine.view(-1, CHUNK)


class Array:
    """A number for every sample."""

    def __init__(self, places: list[Place]):
        """Zeros."""
        self.places = places
        self.flat = torch.zeros(sum(place.count for place in places), dtype=torch.float64)
        self.numbers = self.flat.numpy()
        self.filled: list[int] = []  # parameters whose samples the library is shown
        self._into = [place.into(self.flat) for place in places]

    def addresses(self, which: list[int]) -> list[int]:
        """Of the first sample of these parameters."""
        first = self.flat.data_ptr()
        return [first + 8 * self.places[i].at for i in which]

    def fill(self, which: Sequence[int], tensors: Sequence[Tensor]) -> None:
        """Copies the samples of these parameters out of tensors that are as they are."""
        if not which:
            return
        sources = [self.places[i].of(t) for i, t in zip(which, tensors, strict=True)]
        if any(source.device.type != "cpu" for source in sources):
            sources = _brought(sources)
        torch._foreach_copy_([self._into[i] for i in which], sources)


def _brought(sources: list[Tensor]) -> list[Tensor]:
    """The same on the cpu, with one transfer from each device and of each type."""
    found = list(sources)
    apart: dict[Any, list[int]] = {}
    for i, source in enumerate(sources):
        apart.setdefault((source.device, source.dtype), []).append(i)
    for indices in apart.values():
        flat = torch.cat([sources[i].reshape(-1) for i in indices]).cpu()
        parts = flat.split([sources[i].numel() for i in indices])
        for i, part in zip(indices, parts, strict=True):
            found[i] = part.view(sources[i].shape)
    return found


class Path:
    """How straight the way of some samples was over a window: src/doctor/watch/path.c."""

    FOLLOWED = 2048
    QUARTERS = 4

    def __init__(self, numbers: np.ndarray, window: int):
        """From the end of the first step on."""
        self.efficiency = math.nan
        self._seen = numbers[:: max(1, -(-len(numbers) // self.FOLLOWED))]
        self._at: np.ndarray | None = None
        self._starts: list[np.ndarray] = []
        self._lengths: list[float] = []
        self._walked, self._steps, self._quarter = 0.0, 0, window // self.QUARTERS

    def step(self) -> None:
        """They have moved."""
        now = self._seen.copy()
        if self._at is None:
            self._at, self._starts = now, [now]
            return
        self._walked += _distance(now, self._at)
        self._at = now
        self._steps += 1
        if self._steps < self._quarter:
            return
        self._lengths = [*self._lengths, self._walked][-self.QUARTERS :]
        way = sum(self._lengths)
        self.efficiency = _distance(now, self._starts[0]) / way if way > 0 else math.nan
        self._starts = [*self._starts, now][-self.QUARTERS :]
        self._walked, self._steps = 0.0, 0


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    change = a - b
    return math.sqrt(change @ change)


class Samples:
    """What is copied of an optimizer's parameters, and the table that tells the library of it."""

    def __init__(self, params: list[Tensor], names: list[str], known: Known, window: int):
        """Of these parameters as they are now."""
        self.params, self._known = params, known
        self._lengths = [p.numel() for p in params]
        self._places: list[Place] = []
        at = 0
        for p, every in zip(params, spread(self._lengths), strict=True):
            self._places.append(Place(at, _count(p.numel(), every), every, p.shape))
            at += self._places[-1].count
        self._before, self._after, self._gradient, self._momentum, self._variance = (
            Array(self._places) for _ in range(5)
        )
        self._notes = np.zeros(4 * at)  # the library's
        self._clocks = [known.steps_of(p) for p in params]
        self._all_names = [name.encode()[:63] for name in names]
        self.names = (ctypes.c_char_p * len(params))()
        self._rows = np.zeros(len(params), ROW)
        self.table = ctypes.cast(self._rows.ctypes.data, ctypes.POINTER(_api.ravine_samples))
        self._part_of: dict[int, int] = {}  # of a parameter that had a gradient, in their order
        self._stepped: list[int] = []
        self._exact = sum(self._lengths) <= EXACT
        self._looked_for_twins = False
        self._taken = 0  # steps
        self._after.fill(range(len(params)), params)
        self.path = Path(self._after.numbers, window)

    @property
    def parts(self) -> int:
        """How many parameters had a gradient so far."""
        return len(self._part_of)

    @property
    def steps(self) -> int:
        """That the parameter that made most of them has made."""
        return max(self._clocks)

    def _add_part(self, i: int) -> None:
        """Parameter i has its first gradient."""
        k, at, first = self.parts, self._places[i].at, [i]
        self._part_of[i] = k
        self.names[k] = self._all_names[i]
        row = self._rows[k : k + 1]
        row["size"] = ROW.itemsize
        row["elements"], row["len"] = self._lengths[i], self._places[i].count
        row["before"] = self._before.addresses(first)
        row["after"] = self._after.addresses(first)
        row["gradient"] = self._gradient.addresses(first)
        row["notes"] = self._notes.ctypes.data + 8 * 4 * at
        row["grad_norm"] = row["eps_variance"] = math.nan
        row["variance_scale"] = 1

    def take_before(self, scale: float) -> None:
        """Before a step, when gradients are there, `scale` times what they should be."""
        found = [(i, p.grad) for i, p in enumerate(self.params) if p.grad is not None]
        stepped = [i for i, _ in found]
        grads = [g if g.layout is torch.strided else g.to_dense() for _, g in found]
        if stepped != self._stepped:
            self._step_others(stepped)
        self._gradient.fill(stepped, grads)
        if scale != 1:
            self._gradient.flat /= scale
        self._before.fill(stepped, [self.params[i] for i in stepped])
        self._measure(grads, scale)
        self._take_sigma()

    def _step_others(self, stepped: list[int]) -> None:
        """Other parameters than in the last step have a gradient."""
        for i in stepped:
            if i not in self._part_of:
                self._add_part(i)
        self._stepped = stepped
        self._rows["stepped"] = 0
        self._rows["stepped"][[self._part_of[i] for i in stepped]] = 1

    def _measure(self, grads: list[Tensor], scale: float) -> None:
        """The norms of gradients that are not copied whole, where that is cheap."""
        if not self._exact:
            return
        wide = [
            (self._part_of[i], g)
            for i, g in zip(self._stepped, grads, strict=True)
            if self._places[i].every > 1 and g.dtype in (torch.float32, torch.float64)
        ]
        if wide:
            norms = torch._foreach_norm([g for _, g in wide])
            self._rows["grad_norm"][[k for k, _ in wide]] = torch.stack(norms).cpu() / scale

    def _take_state(self, name: str, array: Array, key: str) -> None:
        """Copies a state of those that have it."""
        states = self._known.states([self.params[i] for i in self._stepped], key)
        there = [(i, t) for i, t in zip(self._stepped, states, strict=True) if t is not None]
        which = [i for i, _ in there]
        array.fill(which, [t for _, t in there])
        if array.filled != which:
            array.filled = which
            self._rows[name] = 0
            self._rows[name][[self._part_of[i] for i in which]] = array.addresses(which)

    def _take_sigma(self) -> None:
        """The variance after the steps that were made, and what it is to be multiplied with."""
        known, array = self._known, self._variance
        if known.keys.variance is None:
            return
        if not self._exact and self._taken % SIGMA_EVERY:
            array.filled = []
            self._rows["variance"] = 0
            return
        self._take_state("variance", array, known.keys.variance)
        self._rows["decay"] = known.decay()
        parts = [self._part_of[i] for i in self._stepped]
        clocks = [self._clocks[i] for i in self._stepped]
        for clock in set(clocks) - {0}:
            same = [k for k, c in zip(parts, clocks, strict=True) if c == clock]
            self._rows["variance_scale"][same] = known.variance_scale(clock)
            self._rows["eps_variance"][same] = known.eps_variance(clock)

    def take_after(self) -> None:
        """After the step."""
        self._after.fill(self._stepped, [self.params[i] for i in self._stepped])
        if self._known.keys.momentum is not None:
            self._take_state("momentum", self._momentum, self._known.keys.momentum)
        self._taken += 1
        for i in self._stepped:
            self._clocks[i] += 1
        self.path.step()
        if not self._looked_for_twins:
            self._looked_for_twins = True
            for i, k in self._part_of.items():
                self._rows["twins"][k] = has_twins(self.params[i].detach())


def has_twins(weight: Tensor) -> bool:
    """Whether the first rows of a weight, or its columns, are the same up to roundings."""
    if weight.dim() < 2 or not weight.numel():
        return False
    rows = weight.flatten(1)
    return _lines_are_same(rows) or (weight.dim() == 2 and _lines_are_same(rows.t()))


def _lines_are_same(lines: Tensor) -> bool:
    some = lines[:8, :64].double()
    return len(some) > 1 and bool(((some[1:] - some[0]).abs() <= 1e-5 * some[0].abs()).all())
