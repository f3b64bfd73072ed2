# SPDX-License-Identifier: Apache-2.0
"""A copy of a training: of its model where it is, and of its optimizer in the library."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ravine._library import ArgumentError, UnsupportedError, lib
from ravine.torch import _own, _rules
from ravine.torch._known import kind_of
from ravine.torch._optimizer import Optimizer
from ravine.torch._parts import parameters_of


def inner_of(model: nn.Module) -> nn.Module:
    """The model inside DistributedDataParallel and torch.compile, which is neither."""
    while True:
        if hasattr(model, "_orig_mod"):
            model = model._orig_mod
        elif isinstance(model, (nn.parallel.DistributedDataParallel, nn.DataParallel)):
            model = model.module
        else:
            return model


def rule_of(optimizer: torch.optim.Optimizer) -> type[Optimizer] | None:
    """The class of this package that makes the same steps; None: there is none."""
    name = kind_of(optimizer)
    if name is None:
        return None
    theirs = getattr(_rules, name, None)
    if theirs is None:
        return getattr(_own, name, None)
    return theirs if theirs.keys.keys() <= optimizer.param_groups[0].keys() else None


def _mirror(p: Tensor, name: str) -> Tensor:
    """A copy of a parameter that the library can step."""
    if torch.is_complex(p):
        raise UnsupportedError(f"{name} is {p.dtype}; a probe takes real parameters")
    if hasattr(p, "to_local") or p.is_meta:
        raise UnsupportedError(
            f"{name} is a {type(p).__name__} on {p.device.type}, whose numbers this process does "
            "not have; a probe takes whole parameters"
        )
    dtype = torch.float64 if p.dtype is torch.float64 else torch.float32
    kept = torch.empty(p.shape, dtype=dtype)
    return nn.Parameter(kept.copy_(p.detach()), p.requires_grad)


class Twin:
    """Model and optimizer, both copies: whatever becomes of them, the training goes on."""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        model: nn.Module,
        names: dict[Tensor, str],
        clip_norm: float | None,
    ):
        """Of a training as it is now.

        Raises:
            ravine.ArgumentError: the model cannot be copied.
            ravine.UnsupportedError: a parameter is complex, or no whole tensor.
        """
        listed = dict.fromkeys(parameters_of(optimizer))
        self.names = [names[p] for p in listed]
        mirrors = {p: _mirror(p, names[p]) for p in listed}
        copied: dict[int, Any] = {}
        try:
            self.model = copy.deepcopy(inner_of(model), copied)
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise ArgumentError(f"the model cannot be copied: {error}") from error
        # The copy's parameters and what stands for them in the library.
        self.pairs = [(copied[id(p)], mirrors[p]) for p in listed if id(p) in copied]
        self.rule = rule_of(optimizer)
        self.optimizer = self._optimizer(optimizer, mirrors, clip_norm)
        self._buffers = [
            (module, name, tensor.clone())
            for module in self.model.modules()
            for name, tensor in module._buffers.items()
            if tensor is not None
        ]
        # Of the parameters that take part: the copy's, the library's, the library's gradient.
        self.parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def _optimizer(
        self, theirs: torch.optim.Optimizer, mirrors: dict[Tensor, Tensor], clip_norm: float | None
    ) -> Optimizer:
        """With its settings and state; of a rule that is not known, gradient descent."""
        groups = [{"params": [mirrors[p] for p in g["params"]]} for g in theirs.param_groups]
        kind = self.rule or _rules.SGD
        ours = kind(groups, clip_norm=clip_norm)
        if self.rule is None:
            return ours
        saved, mine = theirs.state_dict(), ours.state_dict()
        merged = [
            new | {key: _plain(old[key]) for key in kind.keys if key in old}
            for old, new in zip(saved["param_groups"], mine["param_groups"], strict=True)
        ]
        ours.load_state_dict({"state": saved["state"], "param_groups": merged})
        return ours

    def bind(self, reached: list[Tensor]) -> Any:
        """The library's optimizer, with room for the gradients of these of the copy's parameters.

        What it returns lives as long as this twin.
        """
        mirror_of = {q: mirror for q, mirror in self.pairs}
        session = self.optimizer._begin()
        session.set_options(("propagate", self.optimizer.clip_norm, 1.0, False))
        mirrors = {mirror_of[q]: q for q in reached}
        session.adopt([p for p in session.pending if p in mirrors], {})
        params = session.params
        rooms = [torch.zeros(p.shape, dtype=p.dtype) if p in mirrors else None for p in params]
        self.parts = [
            (mirrors[p], p.detach(), room)
            for p, room in zip(params, rooms, strict=True)
            if room is not None
        ]
        session.data.read(params)
        session.grad.read(rooms)
        count = len(rooms)
        lib.ravine_bind(session.pointer, 0, count, session.data.array, session.grad.array)
        return session.pointer

    def refresh(self) -> None:
        """Into the copy of the model the parameters that the library has; its buffers begin anew.

        So the same batch at the same parameters has the same loss.
        """
        with torch.no_grad():
            for q, mirror in self.pairs:
                q.copy_(mirror)
        for module, name, kept in self._buffers:
            module._buffers[name] = kept.clone()


def _plain(setting: Any) -> Any:
    """A setting without what else its tensor is part of."""
    return float(setting) if torch.is_tensor(setting) else setting
