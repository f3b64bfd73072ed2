# SPDX-License-Identifier: Apache-2.0
"""What shows beside the numbers of the steps: in the model, in graphs, in the optimizer's state."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ravine._doctor import FIRST_LOOK
from ravine.torch._dtensors import local
from ravine.torch._facts import (
    Inputs,
    Targets,
    criteria_of,
    facts_of_model,
    is_error_made_larger,
    loss_input_of,
    norms_untrained,
)
from ravine.torch._known import age_of
from ravine.torch._parts import parameters_of, stepping


def _some(p: Tensor) -> Tensor:
    """Numbers of a parameter, of a DTensor some that this process has."""
    return local(p).detach().flatten()[:16]


class Shown:
    """The facts that show so, which a watch tells its doctor."""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        model: nn.Module | None,
        tell: Callable[[str, float], None],
    ):
        """Nothing was seen yet; `tell` is called with a fact's name and value."""
        self._optimizer, self._model, self._tell = optimizer, model, tell
        self.inputs, self._targets = Inputs(), Targets()
        self.reached: set[Tensor] = set()  # parameters that had a gradient
        self._foreign: dict[Tensor, tuple[int, Tensor]] = {}  # in no optimizer: as they were
        self._marked: Tensor | None = None  # a parameter whose state shows how old all states are
        self._state: dict[str, Any] | None = None  # of it, as of the last step
        self._had_state = False

    def begin(self, owned: set[Tensor]) -> None:
        """Before the first step; `owned` are the parameters that any watched optimizer has."""
        if self._model is None:
            return
        for name, value in facts_of_model(self._model).items():
            self._tell(name, value)
        self._foreign = {
            p: (p._version, _some(p).clone())
            for p in self._model.parameters()
            if p.requires_grad and p not in owned
        }

    def see_step(self, params: list[Tensor], observed: int, resumed: bool) -> None:
        """A step of these parameters begins, after so many that were observed.

        resumed: one step was made, of a training that goes on from elsewhere.
        """
        if len(self.reached) < len(params):
            self.reached.update(p for p in params if p.grad is not None)
        self._see_state(params, observed, resumed)

    def _see_state(self, params: list[Tensor], observed: int, resumed: bool) -> None:
        """Whether the optimizer lost its state since the last step."""
        if self._marked is None:
            self._marked = next((p for p in params if p.grad is not None), None)
        state = stepping(self._optimizer).state.get(self._marked)
        same, had = state is self._state, self._had_state
        self._had_state = bool(state)
        if same and had == self._had_state:
            return
        emptied = same and had
        # The state of the steps before it was not loaded, or its optimizer keeps none.
        began_anew = resumed and not self._state
        if emptied or age_of(state or {}) < age_of(self._state or {}):
            self._tell("state_lost", float(observed))
        elif began_anew and state:
            self._tell("state_lost", 0.0)
        self._state = state

    def looks_at_graphs(self) -> bool:
        """Whether it wants to see more of them."""
        return self._targets.looks < Targets.LOOKS

    def see_graph(self, loss: Tensor, times: float) -> None:
        """What the loss's function is given, and its targets; `times` scales the loss."""
        if self._targets.looks == 0:
            self._see_criteria(loss)
        self._targets.see(loss, times)

    def _see_criteria(self, loss: Tensor) -> None:
        maximize = bool(self._optimizer.param_groups[0].get("maximize", False))
        if is_error_made_larger(loss, maximize):
            self._tell("ascent", 1.0)
        inputs = [loss_input_of(node) for node in criteria_of(loss)]
        if inputs:
            self._tell("loss_input", max(inputs))

    def foreign_share(self) -> float:
        """Of the model's trainable numbers, those that nobody has moved since the first step."""
        if self._model is None:
            return 0.0
        trained = sum(p.numel() for p in self._model.parameters() if p.requires_grad)
        still = sum(
            p.numel()
            for p, (version, some) in self._foreign.items()
            if p._version == version and torch.equal(_some(p), some)
        )
        return still / trained if trained else 0.0

    def _unreached_share(self) -> float:
        """Of the optimizer's numbers, those that should have a gradient and never had one."""
        params = set(parameters_of(self._optimizer))
        total = sum(p.numel() for p in params)
        if not any(p.requires_grad for p in params):
            return 1.0
        unreached = params - self.reached
        return sum(p.numel() for p in unreached if p.requires_grad) / total

    def tell_facts(self, steps: int, observed: int) -> None:
        """Those that become known while it trains."""
        if steps:
            self._tell("unreached_share", self._unreached_share())
        for name, value in (self.inputs.facts() | self._targets.facts()).items():
            self._tell(name, value)
        if self._model is None:
            return
        if steps > 1:
            self._tell("foreign_share", self.foreign_share())
        untrained = norms_untrained(self._model)
        if untrained is not None and observed >= FIRST_LOOK:
            self._tell("norms_untrained", untrained)
