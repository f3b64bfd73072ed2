# SPDX-License-Identifier: Apache-2.0
"""An optimizer of Keras on PyTorch, as one of PyTorch: what ravine.watch can look at."""

from collections.abc import Callable
from typing import Any

import torch

# The state that a rule keeps, by Keras's names and by PyTorch's.
STATE = {
    "adam": {
        "_momentums": "exp_avg",
        "_velocities": "exp_avg_sq",
        "_velocity_hats": "max_exp_avg_sq",
    },
    "rmsprop": {"_velocities": "square_avg"},
}
STATE["adamw"] = STATE["adam"]


class Shadow(torch.optim.Optimizer):
    """Steps when an optimizer of Keras does, and has its parameters, settings and state."""

    def __init__(self, optimizer: Any):
        """Before the first step of an optimizer that was built."""
        self._optimizer = optimizer
        self._update: Callable[[], None] = lambda: None
        batches = optimizer.gradient_accumulation_steps or 1
        self._clock = torch.tensor(float(int(optimizer.iterations) // batches))  # of all parameters
        variables = optimizer._trainable_variables
        group = {
            "params": [v.value for v in variables],
            "param_names": [v.path for v in variables],
        }
        super().__init__([group], _settings_of(optimizer))
        kept = STATE.get(type(optimizer).__name__.lower(), {})
        for k, p in enumerate(group["params"]):
            self.state[p]["step"] = self._clock
            for theirs, ours in kept.items():
                if found := getattr(optimizer, theirs, None):
                    self.state[p][ours] = found[k].value

    @torch.no_grad()
    def step(self, closure=None):
        """The step of Keras's optimizer."""
        self._update()
        self._clock += 1

    def step_with(self, update: Callable[[], None], gradients, variables, lr) -> None:
        """A step by its gradients as they are after clipping, which are in .grad meanwhile."""
        self.param_groups[0]["lr"] = float(lr)
        params = [v.value for v in variables]
        before = [p.grad for p in params]
        for p, gradient in zip(params, gradients, strict=True):
            p.grad = gradient
        self._update = update
        try:
            self.step()
        finally:
            for p, gradient in zip(params, before, strict=True):
                p.grad = gradient


def _settings_of(optimizer: Any) -> dict[str, Any]:
    """Its settings by PyTorch's names; the weight decay of Keras is not in the gradient."""
    settings: dict[str, Any] = {"lr": float(optimizer.learning_rate)}
    if hasattr(optimizer, "beta_1"):
        settings["betas"] = (float(optimizer.beta_1), float(optimizer.beta_2))
    if hasattr(optimizer, "epsilon"):
        settings["eps"] = float(optimizer.epsilon)
    if getattr(optimizer, "momentum", 0):
        settings["momentum"] = float(optimizer.momentum)
    if type(optimizer).__name__ == "AdamW":
        settings["weight_decay"] = float(optimizer.weight_decay)
    settings["decoupled_weight_decay"] = True
    return settings


def shadow_of(optimizer: Any) -> Shadow:
    """A shadow that is called as the optimizer's class, by which its rule is known."""
    kind = type(type(optimizer).__name__, (Shadow,), {})
    return kind(optimizer)
