# SPDX-License-Identifier: Apache-2.0
"""What is known of any optimizer of PyTorch: which rule it is, its settings, what its state has."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ravine._library import Error, lib
from ravine.torch import _rules
from ravine.torch._optimizer import setting_numbers
from ravine.torch._session import config_of_numbers


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a rule's state has a momentum of gradients, and the square of its sigma without eps."""

    momentum: str | None = None
    variance: str | None = None
    corrected: bool = False  # the variance is still to be divided by 1 - beta2^t
    inside: bool = False  # eps stands under the root


ADAM = Keys("exp_avg", "exp_avg_sq", corrected=True)
KEYS = {
    "sgd": Keys("momentum_buffer"),
    "adam": ADAM,
    "adamw": ADAM,
    "nadam": ADAM,
    "radam": Keys("exp_avg"),  # its sigma waits, and is rectified
    "adamax": Keys("exp_avg"),  # its sigma is no root
    "adagrad": Keys(variance="sum"),
    "rmsprop": Keys(variance="square_avg"),
    "adadelta": Keys(variance="square_avg", inside=True),
    "lion": Keys("exp_avg"),
    "signum": Keys("momentum_buffer"),
}
# Keys of groups that optimizers of others have, and the library's settings.
USUAL = ("lr", "weight_decay", "eps", "momentum", "maximize")


def kind_of(optimizer: torch.optim.Optimizer) -> str | None:
    """The name of its class, or of one that it is derived from, that is a rule of the library."""
    for kind in type(optimizer).__mro__:
        if lib.ravine_rule_find(kind.__name__.lower().encode()) >= 0:
            return kind.__name__
    return None


def age_of(state: dict[str, Any]) -> float:
    """Steps that the state of a parameter counts, or 1 if it has one that tells nothing at once."""
    step = state.get("step")
    if step is None or (torch.is_tensor(step) and step.device.type != "cpu"):
        return float(bool(state))
    return float(step)


def _is_fixed(value: Any) -> bool:
    """Whether it can only be replaced, and not written into as a tensor or a list."""
    if isinstance(value, tuple):
        return all(map(_is_fixed, value))
    return value is None or isinstance(value, (float, int, str))


class Known:
    """What the library is told of an optimizer beside its numbers."""

    def __init__(self, optimizer: torch.optim.Optimizer):
        """As it is now; settings are read again at every step."""
        self._optimizer = optimizer
        name = kind_of(optimizer)
        self._rule = name.lower() if name else None
        self._read: list[tuple[str, float]] = []
        self._values: tuple | None = None  # those settings, if nobody can write into them
        self._config = None
        group = self.group
        keys = KEYS.get(self._rule or "", Keys())
        if self._rule is None and {"betas", "eps"} <= group.keys():
            keys = ADAM  # most optimizers of others are some Adam
        if group.get("centered"):
            keys = Keys()  # its sigma leaves out what is steady in the gradient
        self.keys = keys
        same = getattr(_rules, name, None) if name else None  # it has the keys of PyTorch's
        fits = same is not None and same.keys.keys() <= group.keys()
        self._setting_keys = same.keys if fits else None

    @property
    def group(self) -> dict[str, Any]:
        """The first one, whose settings stand for all."""
        return self._optimizer.param_groups[0]

    @property
    def lr(self) -> float:
        """Of the first group, now."""
        return float(self.group.get("lr", math.nan))

    def steps_of(self, p: Tensor) -> int:
        """Steps that a parameter has made, if its state counts them."""
        return int(self._optimizer.state.get(p, {}).get("step", 0))

    def config(self):
        """Rule and settings as the library has them; None: it does not know such a rule."""
        if self._rule is None:
            return None
        values = tuple(map(self.group.get, self._setting_keys or (*USUAL, "betas")))
        if values == self._values:
            return self._config
        try:
            read = self._settings()
            if read != self._read:
                self._read = read
                self._config = config_of_numbers(self._rule, *zip(*read, strict=True))
            self._values = values if all(map(_is_fixed, values)) else None
        except (Error, KeyError, TypeError, ValueError):
            self.forget_rule()  # it is called so, and is not it
        return self._config

    def forget_rule(self) -> None:
        """The library does not take these settings for this rule."""
        self._rule = self._config = None

    def _settings(self) -> list[tuple[str, float]]:
        group = self.group
        if self._setting_keys is not None:
            names = [name for names in self._setting_keys.values() for name in names]
            return list(zip(names, setting_numbers(self._setting_keys, group), strict=True))
        found = [(key, float(group[key])) for key in USUAL if key in group]
        return found + [(f"beta{k}", float(b)) for k, b in enumerate(group.get("betas", ()), 1)]

    def states(self, params: list[Tensor], key: str) -> list[Tensor] | None:
        """A tensor of each parameter's state, of its shape; None: one has none such."""
        if key == "exp_avg_sq" and self.group.get("amsgrad"):
            key = "max_exp_avg_sq"
        every, none = self._optimizer.state, {}
        found = [every.get(p, none).get(key) for p in params]
        fits = all(
            torch.is_tensor(t) and t.shape == p.shape for t, p in zip(found, params, strict=True)
        )
        return found if fits else None

    def decay(self) -> float:
        """Weight decay that is added to the gradient."""
        group = self.group
        if self._rule in ("adamw", "lion", None) or group.get("decoupled_weight_decay"):
            return 0.0
        decay = float(group.get("weight_decay", 0))
        return -decay if group.get("maximize") else decay

    def variance_scale(self, clock: int) -> float:
        """What the variance after so many steps is to be multiplied with."""
        if not self.keys.corrected or clock == 0:
            return 1.0
        return 1 / (1 - float(self.group["betas"][1]) ** clock)

    def eps_variance(self, clock: int) -> float:
        """The variance below which eps is the greater part of sigma."""
        eps = self.group.get("eps")
        if eps is None or self.keys.variance is None:
            return math.nan
        bound = float(eps) if self.keys.inside else float(eps) ** 2
        return bound / self.variance_scale(clock)
