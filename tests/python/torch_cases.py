# SPDX-License-Identifier: Apache-2.0
"""What the tests of ravine.torch share: optimizers, settings worth a test of each, short ways."""

import ravine.torch
import torch

WITH_DECAY = {"weight_decay": 0.1}
ADAM = [{}, WITH_DECAY, {"betas": (0.5, 0.9), "eps": 1e-3}, {"maximize": True}]
DECOUPLED = [{"weight_decay": 0.1, "decoupled_weight_decay": True}]
SETTINGS = {
    "SGD": [
        {},
        WITH_DECAY,
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True},
        {"maximize": True, "momentum": 0.9},
    ],
    "Adagrad": [{}, WITH_DECAY, {"lr_decay": 0.1}, {"initial_accumulator_value": 0.5}],
    "RMSprop": [
        {},
        WITH_DECAY,
        {"momentum": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.9, "maximize": True},
    ],
    "Adadelta": [{}, WITH_DECAY, {"rho": 0.5, "eps": 1e-3}, {"maximize": True}],
    "Adafactor": [
        {},
        WITH_DECAY,
        {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-3, 0.1), "d": 2.0},
        {"maximize": True},
    ],
    "Adam": [*ADAM, *DECOUPLED, {"amsgrad": True}, {"amsgrad": True, "weight_decay": 0.1}],
    "AdamW": [*ADAM, {"amsgrad": True}],
    "Adamax": ADAM,
    "NAdam": [*ADAM, *DECOUPLED, {"momentum_decay": 0.1}],
    "RAdam": [*ADAM, *DECOUPLED],
    "ASGD": [{}, WITH_DECAY, {"t0": 10, "lambd": 0.1, "alpha": 0.5}, {"maximize": True}],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)}, {"maximize": True}],
}
CASES = [(name, settings) for name, several in SETTINGS.items() for settings in several]
OWN = ["ADOPT", "AdaBelief", "AdagradMean", "Adan", "Lamb", "Lion", "Signum", "Yogi"]
EVERY = [*SETTINGS, *OWN]
PYTORCH = list(SETTINGS)
WITH_STEP = [name for name in EVERY if name != "SGD"]


def parameters(*values, dtype=torch.float32):
    return [torch.tensor(value, dtype=dtype, requires_grad=True) for value in values]


def of(name, params, **settings):
    """The optimizer of that name."""
    return getattr(ravine.torch, name)(params, **settings)


def give_gradients(params, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)


def run(optimizer, params, steps, first=0):
    """Steps with gradients that depend on the number of the step alone."""
    for step in range(first, first + steps):
        give_gradients(params, step)
        optimizer.step()
