# SPDX-License-Identifier: Apache-2.0
"""The optimizers that PyTorch has too.

Constructor arguments, defaults, checks, messages and keys are inherited from the PyTorch that is
installed; which of the library's settings those keys hold is in its table of rules.
"""

import torch

from ravine._library import UnsupportedError
from ravine.torch._optimizer import Optimizer


class SGD(Optimizer, torch.optim.SGD):
    """Stochastic gradient descent, with momentum; arguments of torch.optim.SGD."""

    rule = "sgd"


class Adagrad(Optimizer, torch.optim.Adagrad):
    """Divides each parameter's step by the root of its summed squares; torch.optim.Adagrad."""

    rule = "adagrad"

    def share_memory(self) -> None:
        """Refused: the state is the library's memory, which other processes cannot share."""
        raise UnsupportedError("Adagrad.share_memory: the state cannot move to shared memory")


class RMSprop(Optimizer, torch.optim.RMSprop):
    """Divides by the root of a moving mean of squares; arguments of torch.optim.RMSprop."""

    rule = "rmsprop"


class Adadelta(Optimizer, torch.optim.Adadelta):
    """Steps in the units of the parameter; arguments of torch.optim.Adadelta."""

    rule = "adadelta"


class Adam(Optimizer, torch.optim.Adam):
    """RMSprop's scale and momentum, both corrected for their start; torch.optim.Adam."""

    rule = "adam"


class AdamW(Optimizer, torch.optim.AdamW):
    """Adam with decoupled weight decay; arguments of torch.optim.AdamW."""

    rule = "adamw"


class Adamax(Optimizer, torch.optim.Adamax):
    """Adam with a decaying maximum for its scale; arguments of torch.optim.Adamax."""

    rule = "adamax"


class NAdam(Optimizer, torch.optim.NAdam):
    """Adam with Nesterov's look ahead; arguments of torch.optim.NAdam."""

    rule = "nadam"


class RAdam(Optimizer, torch.optim.RAdam):
    """Adam that waits until its scale can be trusted; arguments of torch.optim.RAdam."""

    rule = "radam"


class ASGD(Optimizer, torch.optim.ASGD):
    """Gradient descent with the average of its path, state key "ax"; torch.optim.ASGD."""

    rule = "asgd"


class Adafactor(Optimizer, torch.optim.Adafactor):
    """Scales by means over rows and columns alone; arguments of torch.optim.Adafactor."""

    rule = "adafactor"


class Rprop(Optimizer, torch.optim.Rprop):
    """A step of each number's own, from signs alone; arguments of torch.optim.Rprop."""

    rule = "rprop"
