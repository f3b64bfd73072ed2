# SPDX-License-Identifier: Apache-2.0
"""From where a doctor has its steps: optimizers of the library, or the numbers of others."""

import ctypes
from operator import is_
from typing import Any

import torch
from torch import Tensor

from ravine import _api
from ravine._library import Error, lib, made
from ravine.torch._known import Known
from ravine.torch._optimizer import Optimizer
from ravine.torch._samples import Samples
from ravine.torch._twin import inner_of


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
        self._known = Known(optimizer)
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
        once = list(dict.fromkeys(p for p in listed if not torch.is_complex(p) and p.numel()))
        if not once:
            self._samples = None
            return
        names = names_of(self._optimizer, self._model)
        self._samples = Samples(once, [names[p] for p in once], self._known, self._window)
        self._steps = max(self._steps, self._samples.steps)

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
        seen, stats, samples = self._observation, self._stats, self._samples
        stats.step = stats.attempts = self._steps
        stats.lr = self._known.lr
        seen.loss, seen.path_efficiency = loss, samples.path.efficiency
        seen.nparts, seen.part_name = samples.parts, samples.names
        config = self._known.config()
        seen.config = ctypes.pointer(config) if config else None
        try:
            lib.ravine_doctor_observe_samples(doctor, seen, samples.table)
        except Error:
            if config is None:
                raise
            self._known.forget_rule()
            seen.config = None
            lib.ravine_doctor_observe_samples(doctor, seen, samples.table)
        samples.observed()

    def detach(self) -> None:
        """Nothing of the optimizer's was changed."""


def names_of(optimizer: torch.optim.Optimizer, model: Any) -> dict[Tensor, str]:
    """What parameters are called: by the model that is wrapped, or by their groups."""
    named = [] if model is None else inner_of(model).named_parameters()
    names = {p: name for name, p in named}
    for k, group in enumerate(optimizer.param_groups):
        given = group.get("param_names", ())
        for i, p in enumerate(group["params"]):
            names.setdefault(p, given[i] if i < len(given) else f"group {k}[{i}]")
    return names
