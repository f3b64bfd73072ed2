# SPDX-License-Identifier: Apache-2.0
"""Optimizers by rule: those of ravine.torch, or those of torch.optim where it has the rule."""

from collections.abc import Callable
from typing import Any

import torch

# (rule, what is trained, lr, other options) -> an optimizer.
MakeOptimizer = Callable[..., torch.optim.Optimizer]

CLASSES = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {"weight_decay": 0.01}),
    "rmsprop": ("RMSprop", {}),
    "adagrad": ("Adagrad", {}),
    "lion": ("Lion", {}),
    "adan": ("Adan", {}),
    "radam": ("RAdam", {}),
}
ADAMS = ("adam", "adamw", "radam")


def with_ravine(rule: str, trained: Any, lr: float, **options: Any) -> torch.optim.Optimizer:
    """The optimizer of ravine.torch."""
    import ravine.torch

    name, usual = CLASSES[rule]
    return getattr(ravine.torch, name)(trained, lr=lr, **(usual | options))


def with_torch(rule: str, trained: Any, lr: float, **options: Any) -> torch.optim.Optimizer:
    """The optimizer of torch.optim.

    Raises:
        AttributeError: it has none: Lion and Adan.
    """
    name, usual = CLASSES[rule]
    return getattr(torch.optim, name)(trained, lr=lr, **(usual | options))
