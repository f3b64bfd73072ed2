# SPDX-License-Identifier: Apache-2.0
"""PyTorch's optimizers, faster on CPU tensors: `ravine.torch.AdamW` for `torch.optim.AdamW`.

Needs PyTorch. docs/pytorch.md is the page for those who come from there.
"""

from ravine.torch._optimizer import Optimizer
from ravine.torch._own import ADOPT, AdaBelief, AdagradMean, Adan, Lamb, Lion, Signum, Yogi
from ravine.torch._rules import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from ravine.torch._run import Run, load_run
from ravine.torch._schedule import Schedule
from ravine.torch._watch import Watch, watch

__all__ = [
    "ADOPT",
    "ASGD",
    "SGD",
    "AdaBelief",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "AdagradMean",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Lamb",
    "Lion",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Run",
    "Schedule",
    "Signum",
    "Watch",
    "Yogi",
    "load_run",
    "watch",
]
