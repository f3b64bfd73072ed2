# SPDX-License-Identifier: Apache-2.0
"""The optimizers that PyTorch has too.

Constructor arguments, defaults, checks, messages and keys are inherited from the PyTorch that is
installed; `keys` says which of the library's settings those keys hold.
"""

import torch

from ravine._library import UnsupportedError
from ravine.torch._optimizer import Keys, Optimizer

LR: Keys = {"lr": ("lr",), "maximize": ("maximize",)}
COMMON = LR | {"weight_decay": ("weight_decay",)}
ADAM = COMMON | {"betas": ("beta1", "beta2"), "eps": ("eps",)}
# The flag's two values are the numbers of RAVINE_DECAY_COUPLED and RAVINE_DECAY_DECOUPLED.
DECOUPLED = {"decoupled_weight_decay": ("decay_form",)}


class SGD(Optimizer, torch.optim.SGD):
    """Stochastic gradient descent, with momentum; arguments of torch.optim.SGD."""

    rule = "sgd"
    counts_steps = False
    keys = COMMON | {
        "momentum": ("momentum",),
        "dampening": ("dampening",),
        "nesterov": ("nesterov",),
    }


class Adagrad(Optimizer, torch.optim.Adagrad):
    """Divides each parameter's step by the root of its summed squares; torch.optim.Adagrad."""

    rule = "adagrad"
    keys = COMMON | {
        "lr_decay": ("lr_decay",),
        "eps": ("eps",),
        "initial_accumulator_value": ("initial",),
    }

    def share_memory(self) -> None:
        """Refused: the state is the library's memory, which other processes cannot share."""
        raise UnsupportedError("Adagrad.share_memory: the state cannot move to shared memory")


class RMSprop(Optimizer, torch.optim.RMSprop):
    """Divides by the root of a moving mean of squares; arguments of torch.optim.RMSprop."""

    rule = "rmsprop"
    keys = COMMON | {
        "alpha": ("alpha",),
        "eps": ("eps",),
        "momentum": ("momentum",),
        "centered": ("centered",),
    }


class Adadelta(Optimizer, torch.optim.Adadelta):
    """Steps in the units of the parameter; arguments of torch.optim.Adadelta."""

    rule = "adadelta"
    keys = COMMON | {"rho": ("rho",), "eps": ("eps",)}


class Adam(Optimizer, torch.optim.Adam):
    """RMSprop's scale and momentum, both corrected for their start; torch.optim.Adam."""

    rule = "adam"
    keys = ADAM | DECOUPLED | {"amsgrad": ("amsgrad",)}


class AdamW(Optimizer, torch.optim.AdamW):
    """Adam with decoupled weight decay; arguments of torch.optim.AdamW."""

    rule = "adamw"
    keys = Adam.keys


class Adamax(Optimizer, torch.optim.Adamax):
    """Adam with a decaying maximum for its scale; arguments of torch.optim.Adamax."""

    rule = "adamax"
    keys = ADAM


class NAdam(Optimizer, torch.optim.NAdam):
    """Adam with Nesterov's look ahead; arguments of torch.optim.NAdam."""

    rule = "nadam"
    keys = ADAM | DECOUPLED | {"momentum_decay": ("momentum_decay",)}


class RAdam(Optimizer, torch.optim.RAdam):
    """Adam that waits until its scale can be trusted; arguments of torch.optim.RAdam."""

    rule = "radam"
    keys = ADAM | DECOUPLED


class ASGD(Optimizer, torch.optim.ASGD):
    """Gradient descent with the average of its path, state key "ax"; torch.optim.ASGD."""

    rule = "asgd"
    keys = COMMON | {"lambd": ("lambd",), "alpha": ("power",), "t0": ("average_start",)}


class Rprop(Optimizer, torch.optim.Rprop):
    """A step of each number's own, from signs alone; arguments of torch.optim.Rprop."""

    rule = "rprop"
    keys = LR | {"etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}
