# SPDX-License-Identifier: Apache-2.0
"""Who looks on while a setup is carried out, and a log of what a person could have kept."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from outside.world import Facts


class Observer(Protocol):
    """Looks on and changes nothing: neither parameters nor gradients, state or the data.

    The generator of PyTorch is put back after each call, so an observer may draw from it.
    """

    def begin(self, net: nn.Module, optimizer: torch.optim.Optimizer, facts: Facts) -> None:
        """Before the first step."""

    def forward(self, loss: Tensor, indices: Tensor) -> None:
        """The loss of a batch before its backward(), and which training examples are in it."""

    def before_step(self, step: int) -> None:
        """Gradients stand as the optimizer would find them without clipping; step from 1 on."""

    def step(self, step: int, loss: float, indices: Tensor) -> None:
        """After optimizer.step(): the loss before it, and which training examples were in it."""

    def validation(self, step: int, loss: float) -> None:
        """The loss on held-out examples after a step, where the task has one."""

    def end(self) -> None:
        """After the last step."""


class Nobody:
    """An observer that does not look."""

    def begin(self, net: nn.Module, optimizer: torch.optim.Optimizer, facts: Facts) -> None:
        """Nothing."""

    def forward(self, loss: Tensor, indices: Tensor) -> None:
        """Nothing."""

    def before_step(self, step: int) -> None:
        """Nothing."""

    def step(self, step: int, loss: float, indices: Tensor) -> None:
        """Nothing."""

    def validation(self, step: int, loss: float) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


EVERY = 16  # steps between two looks at each parameter by name


def _number(x: float) -> float | None:
    return float(f"{x:.6g}") if math.isfinite(x) else None


def _norm(tensors: list[Tensor]) -> float:
    return float(torch.stack(torch._foreach_norm(tensors)).norm()) if tensors else 0.0


class LogObserver(Nobody):
    """A line of JSON a step: step, loss, lr, norms, and val_loss and clip_norm if there are.

    The norms: grad_norm before clipping, update_norm of the step, param_norm after it.

    The first line has the facts. Every 16 steps `parameters` says of each by name: the norm of its
    gradient, of its update and of itself, and the share of its gradient that is exactly 0.
    Numbers that are not finite are null.
    """

    def __init__(self, path: Path):
        self.file = path.open("w")
        self.line: dict[str, Any] = {}
        self.before: dict[str, Tensor] = {}

    def begin(self, net: nn.Module, optimizer: torch.optim.Optimizer, facts: Facts) -> None:
        """Writes the first line."""
        self.net, self.optimizer, self.facts = net, optimizer, facts
        sizes = {name: p.numel() for name, p in net.named_parameters()}
        self._write({"facts": facts.as_dict(), "sizes": sizes})

    def before_step(self, step: int) -> None:
        """Looks at the gradients, before clipping."""
        self._flush()
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        self.line = {"step": step, "grad_norm": _number(_norm(gradients))}
        self.before = {name: p.detach().clone() for name, p in self.net.named_parameters()}
        if step % EVERY == 0:
            self.gradients = {
                name: None if p.grad is None else p.grad.detach().clone()
                for name, p in self.net.named_parameters()
            }

    def step(self, step: int, loss: float, indices: Tensor) -> None:
        """Adds what the step did."""
        self.line |= {"loss": _number(loss), "lr": self.optimizer.param_groups[0]["lr"]}
        now = [p.detach() for p in self.net.parameters()]
        moved = torch._foreach_sub(now, list(self.before.values()))
        self.line |= {"update_norm": _number(_norm(moved)), "param_norm": _number(_norm(now))}
        if self.facts.clip_norm is not None:
            self.line["clip_norm"] = self.facts.clip_norm
        if step % EVERY == 0:
            self.line["parameters"] = {
                name: self._look(name, p) for name, p in self.net.named_parameters()
            }

    def _look(self, name: str, now: Tensor) -> list[float | None]:
        gradient = self.gradients[name]
        update = float((now.detach() - self.before[name]).norm())
        size = float(now.detach().norm())
        if gradient is None:
            return [None, _number(update), _number(size), None]
        zeros = float((gradient == 0).float().mean())
        return [_number(float(gradient.norm())), _number(update), _number(size), _number(zeros)]

    def validation(self, step: int, loss: float) -> None:
        """Adds the held-out loss to the line of its step."""
        self.line["val_loss"] = _number(loss)

    def end(self) -> None:
        """Closes the file."""
        self._flush()
        self.file.close()

    def _flush(self) -> None:
        if self.line:
            self._write(self.line)
        self.line = {}

    def _write(self, line: dict[str, Any]) -> None:
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")


class Quietly:
    """Calls several observers and puts PyTorch's generator back after each call."""

    def __init__(self, observers: Sequence[Observer]):
        self.observers = observers

    def __call__(self, name: str, *arguments: Any) -> None:
        """Calls a method of each."""
        before = torch.get_rng_state()
        for observer in self.observers:
            getattr(observer, name)(*arguments)
        torch.set_rng_state(before)
