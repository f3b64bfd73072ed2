"""The optimizers: PyTorch's by inheritance, Ravine's own below.

Constructor arguments, defaults, checks, messages and keys of PyTorch's are those of the PyTorch
that is installed; `keys` says which of the library's settings they are.
"""

import torch

from ravine.torch._optimizer import Optimizer

_COMMON = {"lr": ("lr",), "weight_decay": ("weight_decay",), "maximize": ("maximize",)}
_ADAM = _COMMON | {"betas": ("beta1", "beta2"), "eps": ("eps",)}
# False is RAVINE_DECAY_COUPLED, True RAVINE_DECAY_DECOUPLED.
_DECOUPLED = {"decoupled_weight_decay": ("decay_form",)}


class SGD(Optimizer, torch.optim.SGD):
    """Stochastic gradient descent, with momentum: torch.optim.SGD."""

    rule = "sgd"
    counts_steps = False
    keys = _COMMON | {
        "momentum": ("momentum",),
        "dampening": ("dampening",),
        "nesterov": ("nesterov",),
    }


class Adam(Optimizer, torch.optim.Adam):
    """Adam: torch.optim.Adam."""

    rule = "adam"
    keys = _ADAM | _DECOUPLED | {"amsgrad": ("amsgrad",)}


class AdamW(Optimizer, torch.optim.AdamW):
    """Adam with decoupled weight decay: torch.optim.AdamW."""

    rule = "adamw"
    keys = Adam.keys
