# SPDX-License-Identifier: Apache-2.0
"""Some elements of every parameter of an optimizer, around its steps.

Of small parameters all, of large ones chunks of 128 elements that lie evenly spread, the same ones
in every step. The library reads them where they lie, or from copies of tensors that it cannot read:
ravine_samples_take before a step, ravine_doctor_observe_samples after it.
"""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ravine import _api
from ravine._library import lib
from ravine.torch._dtensors import is_dtensor, local, shards_of
from ravine.torch._known import Known

CHUNK = _api.RAVINE_SAMPLES_CHUNK
NOTES = _api.RAVINE_SAMPLES_NOTES
DTYPES = {
    torch.float32: _api.RAVINE_F32,
    torch.float64: _api.RAVINE_F64,
    torch.bfloat16: _api.RAVINE_BF16,
    torch.float16: _api.RAVINE_F16,
}
WHOLE = 1 << 14  # numbers in all up to which every one is looked at
WANTED = 1 << 12  # samples in all of more, if small parameters leave as many
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
        count = sum(map(_count, lengths, chosen))
        if count <= (WHOLE if most == 1 else WANTED) or most > max(lengths):
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


class Copies:
    """A number for every sample, of tensors that the library cannot read."""

    def __init__(self, places: list[Place]):
        """Zeros."""
        self.places = places
        self.flat = torch.zeros(sum(place.count for place in places), dtype=torch.float64)
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
    """How straight the way of the samples was over a window: lib/doctor/watch/path.c."""

    QUARTERS = 4

    def __init__(self, window: int):
        """From the end of the first step on."""
        self.efficiency = math.nan
        self._starts: list[np.ndarray] = []
        self._lengths: list[float] = []
        self._walked, self._steps, self._quarter = 0.0, 0, window // self.QUARTERS

    def walk(self, length: float) -> None:
        """A step was so long."""
        if self._starts:
            self._walked += length
            self._steps += 1

    def is_due(self) -> bool:
        """Whether it wants to know where the samples are."""
        return not self._starts or self._steps >= self._quarter

    def arrive(self, here: np.ndarray) -> float | None:
        """A quarter of the window ends here: the square of the straight way, which settle() takes.

        None: the first quarter begins.
        """
        direct2 = None
        if self._starts and len(here) == len(self._starts[0]):
            self._lengths = [*self._lengths, self._walked][-self.QUARTERS :]
            direct = here - self._starts[0]
            direct2 = float(direct @ direct)
            self._starts = [*self._starts, here][-self.QUARTERS :]
        else:
            self._starts, self._lengths = [here], []
        self._walked, self._steps = 0.0, 0
        return direct2

    def settle(self, direct2: float) -> None:
        """Where samples are in several processes, the sum over all."""
        way = sum(self._lengths)
        self.efficiency = math.sqrt(direct2) / way if way > 0 else math.nan


_IS_CPU, _DTYPE = attrgetter("is_cpu"), attrgetter("dtype")


def _addresses(tensors: list[Tensor], lengths: list[int]) -> list[int] | None:
    """Where tensors of these lengths lie; None: the library cannot read one of them."""
    can_read = (
        list(map(Tensor.numel, tensors)) == lengths
        and all(map(_IS_CPU, tensors))
        and all(map(Tensor.is_contiguous, tensors))
        and not any(map(Tensor.is_neg, tensors))  # memory has its sign the other way round
        and DTYPES.keys() >= set(map(_DTYPE, tensors))
    )
    return list(map(Tensor.data_ptr, tensors)) if can_read else None


class Samples:
    """What is looked at of an optimizer's parameters, in a table for the library."""

    def __init__(
        self,
        params: list[Tensor],
        names: list[str],
        known: Known,
        window: int,
        mine: list[bool] | None = None,
    ):
        """Of these parameters as they are now; of DTensors, of this process's parts.

        mine: those that no other process looks at, too; None: all.
        """
        self.params, self._known, self._mine = params, known, mine
        self._has_dtensors = any(map(is_dtensor, params))
        parts = [local(p) for p in params]
        self._lengths = [p.numel() for p in parts]
        self._places: list[Place] = []
        at = 0
        usual = [-(-p.numel() // shards_of(p)) for p in params]  # the same in every process
        for p, every in zip(parts, spread(usual), strict=True):
            self._places.append(Place(at, _count(p.numel(), every), every, p.shape))
            at += self._places[-1].count
        self._notes = np.zeros(NOTES * at)  # the library's
        self._clocks = [known.steps_of(p) for p in params]
        self._all_names = [name.encode()[:63] for name in names]
        self.names = (ctypes.c_char_p * len(params))()
        self._rows = np.zeros(len(params), ROW)
        self._way2 = self._rows["way2"]
        self.table = ctypes.cast(self._rows.ctypes.data, ctypes.POINTER(_api.ravine_samples))
        self._copies: dict[str, Copies] = {}  # by column of the table
        self._shown: dict[str, list[int]] = {}
        self._part_of: dict[int, int] = {}  # of a parameter that had a gradient, in their order
        self._stepped: list[int] = []
        self._stepped_parts: list[int] = []
        self._exact = sum(usual) <= EXACT
        self._taken = 0  # steps
        self.direct2: float | None = None  # of the path, if it has just arrived
        self.path = Path(window)

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
        k = self.parts
        self._part_of[i] = k
        self.names[k] = self._all_names[i]
        row = self._rows[k : k + 1]
        row["size"] = ROW.itemsize
        row["elements"], row["len"] = self._lengths[i], self._places[i].count
        row["notes"] = self._notes.ctypes.data + 8 * NOTES * self._places[i].at
        row["grad_norm"] = row["eps_variance"] = math.nan
        row["variance_scale"] = 1

    def before(self, i: int) -> np.ndarray:
        """The samples of a parameter as they were before the last step."""
        place = self._places[i]
        return self._notes[NOTES * place.at :][: place.count]

    def gradient(self, i: int) -> np.ndarray:
        """Those of its gradient."""
        place = self._places[i]
        return self._notes[NOTES * place.at + place.count :][: place.count]

    def take_before(self, scale: float) -> None:
        """Before a step, when gradients are there, `scale` times what they should be."""
        found = [(i, p.grad) for i, p in enumerate(self.params) if p.grad is not None]
        if self._has_dtensors or self._mine is not None:
            found = self._parts_of(found)
        stepped = [i for i, _ in found]
        grads = [g if g.layout is torch.strided else g.to_dense() for _, g in found]
        if stepped != self._stepped:
            self._step_others(stepped)
        self.direct2 = None
        if stepped:
            self._take(grads, scale)
        looks = bool(stepped) or self._mine is not None
        if looks and self._taken and self.path.is_due():
            positions = [self.before(i) for i in self._part_of]
            self.direct2 = self.path.arrive(np.concatenate([np.zeros(0), *positions]))

    def _take(self, grads: list[Tensor], scale: float) -> None:
        """Copies what the step will change."""
        here = self._here()
        variance = self._states(self._known.keys.variance) if self._is_sigma_due() else None
        self._show({"data": here, "gradient": grads}, "variance", variance)
        self._rows["gradient_scale"] = scale
        self._measure(grads, scale)
        if variance is not None:
            self._tell_sigma()
        lib.ravine_samples_take(self.table, self.parts)

    def _parts_of(self, found: list[tuple[int, Tensor]]) -> list[tuple[int, Tensor]]:
        """This process's parts of gradients, but of those that are still to be summed."""
        mine, params = self._mine, self.params
        return [
            (i, local(grad))
            for i, grad in found
            if (mine is None or mine[i])
            and (not is_dtensor(grad) or grad.placements == params[i].placements)
        ]

    def _here(self) -> list[Tensor]:
        """The parameters that are stepped."""
        here = [self.params[i] for i in self._stepped]
        return list(map(local, here)) if self._has_dtensors else here

    def _states(self, key: str | None) -> list[Tensor] | None:
        """A state of theirs; None: one has none such."""
        if key is None:
            return None
        found = self._known.states([self.params[i] for i in self._stepped], key)
        return list(map(local, found)) if found and self._has_dtensors else found

    def _is_sigma_due(self) -> bool:
        return self._exact or self._taken % SIGMA_EVERY == 0

    def _step_others(self, stepped: list[int]) -> None:
        """Other parameters than in the last step have a gradient."""
        for i in stepped:
            if i not in self._part_of:
                self._add_part(i)
        self._stepped = stepped
        self._stepped_parts = [self._part_of[i] for i in stepped]
        self._stepped_lengths = [self._lengths[i] for i in stepped]
        self._types = [self.params[i].dtype for i in stepped]
        self._dtypes = [DTYPES.get(kind, 0) for kind in self._types]
        self._pitches = [CHUNK * self._places[i].every for i in stepped]
        self._shown = {}
        for column in ("gradient", "momentum", "variance"):
            self._rows[column] = 0

    def _show(self, columns: dict[str, list[Tensor]], key: str, state: list[Tensor] | None) -> None:
        """Where numbers of the parameters that are stepped lie, and of one state of theirs."""
        same = all(list(map(_DTYPE, tensors)) == self._types for tensors in columns.values())
        named = columns if state is None else columns | {key: state}
        lengths = self._stepped_lengths
        found = {name: _addresses(t, lengths) for name, t in named.items()} if same else {}
        count = len(self._stepped)
        if same and None not in found.values():
            kinds = self._dtypes if state is None else [DTYPES[t.dtype] for t in state]
            self._put("dtype", self._dtypes)
            self._put("state_dtype", kinds)
            self._put("pitch", self._pitches)
        else:
            found = {name: self._copy(name, tensors) for name, tensors in named.items()}
            self._put("dtype", [_api.RAVINE_F64] * count)
            self._put("state_dtype", [_api.RAVINE_F64] * count)
            self._put("pitch", [CHUNK] * count)
        for name, addresses in found.items():
            self._put(name, addresses)
        if state is None:
            self._put(key, [0] * count)

    def _copy(self, name: str, tensors: list[Tensor]) -> list[int]:
        copies = self._copies.setdefault(name, Copies(self._places))
        copies.fill(self._stepped, tensors)
        return copies.addresses(self._stepped)

    def _put(self, column: str, values: list) -> None:
        """Into the rows of the parameters that are stepped."""
        if self._shown.get(column) != values:
            self._shown[column] = values
            self._rows[column][self._stepped_parts] = values

    def _measure(self, grads: list[Tensor], scale: float) -> None:
        """The norms of gradients that are looked at in part, where that is cheap."""
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

    def _tell_sigma(self) -> None:
        """What those variances are to be multiplied with."""
        clocks = [self._clocks[i] for i in self._stepped]
        scale = {clock: self._known.variance_scale(clock) for clock in set(clocks)}
        eps = {clock: self._known.eps_variance(clock) for clock in set(clocks)}
        self._put("variance_scale", [scale[clock] for clock in clocks])
        self._put("eps_variance", [eps[clock] for clock in clocks])
        self._rows["decay"] = self._known.decay()

    def take_after(self) -> None:
        """After the step."""
        here = self._here()
        if here:
            self._show({"data": here}, "momentum", self._states(self._known.keys.momentum))
        for i in self._stepped:
            self._clocks[i] += 1
        if not self._taken:
            for i, k in self._part_of.items():
                self._rows["twins"][k] = has_twins(local(self.params[i]).detach())
        self._taken += 1

    def reached(self) -> list[int]:
        """The parameters that had a gradient so far, by their numbers."""
        return list(self._part_of)

    def measure(self) -> np.ndarray:
        """Sums of the step for each of those: [parts, RAVINE_SAMPLES_SUMS]."""
        sums = np.zeros((self.parts, _api.RAVINE_SAMPLES_SUMS))
        to = sums.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        lib.ravine_samples_measure(self.table, self.parts, to)
        return sums

    def way2(self) -> float:
        """The sum of squares of the samples' updates; of the first step it is not counted."""
        return sum(self._way2[: self.parts].tolist()) if self._taken > 1 else 0.0

    def observed(self, way2: float) -> None:
        """The library has looked at the step; `way2` is of all processes' samples."""
        if self._taken > 1:
            self.path.walk(math.sqrt(way2))


def has_twins(weight: Tensor) -> bool:
    """Whether the first rows of a weight, or its columns, are the same up to roundings."""
    if weight.dim() < 2 or not weight.numel():
        return False
    rows = weight.flatten(1)
    return _lines_are_same(rows) or (weight.dim() == 2 and _lines_are_same(rows.t()))


def _lines_are_same(lines: Tensor) -> bool:
    some = lines[:8, :64].double()
    return len(some) > 1 and bool(((some[1:] - some[0]).abs() <= 1e-5 * some[0].abs()).all())
