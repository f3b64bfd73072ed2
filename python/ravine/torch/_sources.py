# SPDX-License-Identifier: Apache-2.0
"""From where a doctor has its steps: optimizers of the library, or the numbers of others."""

import ctypes
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ravine import _api
from ravine._library import Error, lib, made
from ravine.torch._known import Known
from ravine.torch._optimizer import Optimizer
from ravine.torch._parts import parameters_of, spreads_state, stepping
from ravine.torch._samples import Samples
from ravine.torch._twin import inner_of
from ravine.torch._voices import Message, Voices


class Own:
    """An optimizer of this package measures its steps by itself."""

    def __init__(self, optimizer: Optimizer):
        """From the next step on."""
        self._optimizer = optimizer
        self._pointer: Any = None  # the library's optimizer, after a step
        optimizer._watched_by(self)

    def _stepped(self, pointer, loss) -> None:
        """The optimizer made a step with statistics."""
        self._pointer = pointer

    def before(self, params: list[Tensor]) -> None:
        """A step of these parameters begins."""
        self._pointer = None

    def can_observe(self) -> bool:
        """After a step: whether there was one."""
        return self._pointer is not None

    def observe(self, doctor, loss: float) -> None:
        """Tells the doctor of the step."""
        lib.ravine_doctor_observe(doctor, self._pointer, loss)

    def detach(self) -> None:
        """The optimizer goes on as if nobody had watched it."""
        self._optimizer._watched_by(None)


class Others:
    """Any other optimizer: its numbers are looked at around each step."""

    def __init__(self, optimizer: torch.optim.Optimizer, model: Any, window: int):
        """From the next step on; parameters are called as the model calls them."""
        self._optimizer, self._model, self._window = optimizer, model, window
        self._known = Known(stepping(optimizer))
        self._samples: Samples | None = None
        self._listed: list[Tensor] = []
        self._shapes: list[torch.Size] = []  # of them
        self._steps = 0  # of the optimizer, as far as anybody knows
        self._taken = False
        self._stats = made(_api.ravine_step_stats)
        self._stats.group, self._stats.clip = -1, 1.0
        self._observation = made(_api.ravine_observation)
        self._observation.stats = ctypes.pointer(self._stats)

    def before(self, params: list[Tensor]) -> None:
        """A step of these parameters begins: their gradients are there."""
        self._taken = False
        shapes = [p.shape for p in params]
        if shapes != self._shapes or not all(map(is_, params, self._listed)):
            self._listed, self._shapes = params, shapes
            self._begin(params)
        # A GradScaler leaves these to optimizers that are fused.
        scale = getattr(self._optimizer, "grad_scale", None)
        found = getattr(self._optimizer, "found_inf", None)
        if self._samples is None or (found is not None and bool(found)):
            return
        self._samples.take_before(1.0 if scale is None else float(scale))
        self._taken = True

    def _begin(self, listed: list[Tensor]) -> None:
        """Other parameters than before, or of other shapes: their numbers begin anew."""
        once = _that_count(listed)
        if not once:
            self._samples = None
            return
        names = names_of(self._optimizer, self._model)
        self._samples = self._samples_of(once, [names[p] for p in once])
        self._steps = max(self._steps, self._samples.steps)

    def _samples_of(self, params: list[Tensor], names: list[str]) -> Samples:
        return Samples(params, names, self._known, self._window)

    def can_observe(self) -> bool:
        """After a step: copies what it did, if it did something."""
        if not self._taken or self._samples is None:
            return False
        self._taken = False
        self._samples.take_after()
        self._steps += 1
        return self._samples.parts > 0

    def observe(self, doctor, loss: float) -> None:
        """Tells the doctor of the step."""
        seen, samples = self._observation, self._samples
        self._describe_step()
        if samples.direct2 is not None:
            samples.path.settle(samples.direct2)
        seen.loss, seen.path_efficiency = loss, samples.path.efficiency
        seen.nparts, seen.part_name = samples.parts, samples.names
        self._show(lib.ravine_doctor_observe_samples, doctor, samples.table)
        samples.observed(samples.way2())

    def _describe_step(self) -> None:
        """What is known of it beside the samples."""
        self._stats.step = self._stats.attempts = self._steps
        self._stats.lr = self._known.lr
        config = self._known.config()
        self._observation.config = ctypes.pointer(config) if config else None

    def _show(self, observe, doctor, numbers) -> None:
        """Shows the doctor the observation; it may refuse settings that are not its rule's."""
        try:
            observe(doctor, self._observation, numbers)
        except Error:
            if not self._observation.config:
                raise
            self._known.forget_rule()
            self._observation.config = None
            observe(doctor, self._observation, numbers)

    def detach(self) -> None:
        """Nothing of the optimizer's was changed."""


def _that_count(listed: list[Tensor]) -> list[Tensor]:
    """The parameters that are looked at: each once."""
    return list(dict.fromkeys(p for p in listed if not torch.is_complex(p) and p.numel()))


class Shared(Others):
    """Any optimizer whose parameters several processes train: each looks at what it has."""

    def __init__(self, optimizer: torch.optim.Optimizer, model: Any, window: int, voices: Voices):
        """From the next step on."""
        super().__init__(optimizer, model, window)
        self._voices = voices
        self._parts: list[int] = []  # parameters that had a gradient somewhere, in their order

    def _samples_of(self, params: list[Tensor], names: list[str]) -> Samples:
        mine = self._mine(params)
        self._parts = []
        self._names = [name.encode()[:63] for name in names]
        return Samples(params, names, self._known, self._window, mine)

    def _mine(self, params: list[Tensor]) -> list[bool]:
        """Those of which this process tells what it has."""
        if not spreads_state(self._optimizer):
            return [self._voices.has(p) for p in params]
        stepped = set(parameters_of(stepping(self._optimizer)))
        return [p in stepped for p in params]

    def message(self) -> Message:
        """What this process has seen of the step that was just made, if it was one."""
        samples = self._samples
        message = self._empty()
        if samples is None or not self._taken:
            return message
        self._taken = False
        samples.take_after()
        self._steps += 1
        self._describe_step()
        message.taken[0] = 1
        message.reached[samples.reached()] = 1
        message.sums.reshape(len(samples.params), -1)[samples.reached()] = samples.measure()
        message.way2[0], message.direct2[0] = samples.way2(), samples.direct2 or 0.0
        return message

    def goodbye(self) -> Message:
        """This process looks no more."""
        message = self._empty()
        message.leaving[0] = 1
        return message

    def _empty(self) -> Message:
        count = len(_that_count(parameters_of(self._optimizer)))
        return Message(len(self._voices.ranks), self._voices.me, count)

    def observe_all(self, doctor, message: Message, loss: float) -> None:
        """Tells the doctor of the last step, of what all have seen."""
        seen, samples = self._observation, self._samples
        reached = np.flatnonzero(message.reached).tolist()
        self._parts += [i for i in reached if i not in self._parts]
        count = len(self._parts)
        sums = message.sums.reshape(len(samples.params), -1)[self._parts]  # a copy
        if samples.direct2 is not None:
            samples.path.settle(float(message.direct2[0]))
        elements = [samples.params[i].numel() for i in self._parts]
        seen.loss, seen.path_efficiency = loss, samples.path.efficiency
        seen.nparts, seen.part_elements = count, (ctypes.c_int64 * count)(*elements)
        seen.part_name = (ctypes.c_char_p * count)(*(self._names[i] for i in self._parts))
        to = sums.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        self._show(lib.ravine_doctor_observe_sums, doctor, to)
        samples.observed(float(message.way2[0]))


def names_of(optimizer: torch.optim.Optimizer, model: Any) -> dict[Tensor, str]:
    """What parameters are called: by the model that is wrapped, or by their groups."""
    named = [] if model is None else inner_of(model).named_parameters()
    names = {p: name for name, p in named}
    for k, group in enumerate(optimizer.param_groups):
        given = group.get("param_names", ())
        for i, p in enumerate(group["params"]):
            names.setdefault(p, given[i] if i < len(given) else f"group {k}[{i}]")
    return names
