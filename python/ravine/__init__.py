# SPDX-License-Identifier: Apache-2.0
"""Adaptive learning rates: theta <- theta - (eta_t / sigma_t) * m_t.

`watch` has a doctor look on at a training in PyTorch; `Optimizer` steps NumPy arrays,
`ravine.torch` has the optimizers of PyTorch, `Schedule` the learning rates over time;
`python -m ravine` is the command. docs/doctor.md, docs/python.md, docs/pytorch.md.
"""

from ravine._diagnosis import Diagnosis
from ravine._doctor import Doctor
from ravine._library import (
    ArgumentError,
    Error,
    FileError,
    FormatError,
    OutOfMemoryError,
    RangeError,
    StateError,
    UnsupportedError,
    lib,
)
from ravine._optimizer import Optimizer, Status, StepStats
from ravine._plateau import Plateau
from ravine._records import Cure, Probe
from ravine._schedule import Schedule, ScheduleFacts


def watch(optimizer, model=None, **options):
    """Has a doctor watch any optimizer of PyTorch: ravine.torch.watch."""
    from ravine.torch import watch as watch_torch  # needs PyTorch, which this module does not

    return watch_torch(optimizer, model, **options)


__version__ = lib.ravine_version().decode()
__all__ = [
    "ArgumentError",
    "Cure",
    "Diagnosis",
    "Doctor",
    "Error",
    "FileError",
    "FormatError",
    "Optimizer",
    "OutOfMemoryError",
    "Plateau",
    "Probe",
    "RangeError",
    "StepStats",
    "Schedule",
    "ScheduleFacts",
    "StateError",
    "Status",
    "UnsupportedError",
    "watch",
]
