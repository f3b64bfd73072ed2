# SPDX-License-Identifier: Apache-2.0
"""PyTorch's numbers in a file, so that the C tests need no PyTorch: `make golden`.

For each rule and type two trainings of one tensor: PyTorch's defaults, and settings that use every
part of the rule. tests/lib/rules/test_golden.c makes the same trainings and compares; the layout of
the file is told there.
"""

import argparse
import sys

import numpy as np
import ravine.torch
import torch
from ravine._optimizer import choices_of, setting_number
from safetensors.numpy import save_file

from parity.reference import RULES

STEPS, LENGTH = 50, 40

ADAM = {"lr": 2e-3, "betas": (0.8, 0.97), "eps": 1e-5, "weight_decay": 0.1, "maximize": True}
OTHER = {
    "SGD": {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "Adagrad": {"lr": 0.03, "lr_decay": 0.01, "weight_decay": 0.01},
    "RMSprop": {"lr": 3e-3, "alpha": 0.9, "momentum": 0.8, "centered": True},
    "Adadelta": {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True},
    "Adam": ADAM | {"amsgrad": True},
    "AdamW": ADAM | {"amsgrad": True, "weight_decay": 0.3},
    "Adamax": ADAM,
    "NAdam": ADAM | {"momentum_decay": 0.02, "decoupled_weight_decay": True},
    "RAdam": ADAM | {"decoupled_weight_decay": True},
    "ASGD": {"lr": 0.02, "lambd": 0.01, "alpha": 0.6, "t0": 10, "weight_decay": 0.01},
    "Rprop": {"lr": 0.02, "etas": (0.4, 1.3), "step_sizes": (1e-4, 0.3)},
}


def draw(dtype):
    """Start [LENGTH] and gradients [STEPS, LENGTH]: noise around a mean, sizes over six decades,
    one element without any gradient and one whose gradient is often 0."""
    random = np.random.RandomState(1)  # the generator whose numbers NumPy promises not to change
    start = random.normal(size=LENGTH)
    mean, size = random.normal(size=LENGTH), 10 ** random.uniform(-3, 3, LENGTH)
    gradients = size * (mean / 2 + random.normal(size=(STEPS, LENGTH)))
    gradients[:, 0] = 0
    gradients[::2, 1] = 0
    return start.astype(dtype), gradients.astype(dtype)


def text_of(rule, settings):
    """The library's text for a rule with PyTorch's arguments."""
    ours = getattr(ravine.torch, rule)([torch.zeros(1, requires_grad=True)], **settings)
    numbers = ours.numbers_of(ours.param_groups[0])
    text = ours.rule
    for name, number in zip(ours.setting_names(), numbers, strict=True):
        words = choices_of(setting_number(name))
        text += f" {name}={words[int(number)] if words else f'{number:.17g}'}"
    return text


def train(rule, settings, start, gradients):
    """The parameter after all steps of PyTorch's for-loop, and its state of the same shape."""
    p = torch.from_numpy(start.copy()).requires_grad_()
    optimizer = getattr(torch.optim, rule)([p], foreach=False, **settings)
    for gradient in gradients:
        p.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
    states = {k: v for k, v in optimizer.state[p].items() if getattr(v, "shape", None) == p.shape}
    return {"theta": p.detach()} | states


def golden():
    """All tensors and texts of the file."""
    tensors, texts = {}, {"torch": torch.__version__}
    for dtype in ("float32", "float64"):
        start, gradients = tensors[f"{dtype}.start"], tensors[f"{dtype}.gradients"] = draw(dtype)
        for rule in RULES:
            for kind, settings in (("defaults", {}), ("other", OTHER[rule])):
                name = f"{dtype}.{rule}.{kind}"
                texts[name] = text_of(rule, settings)
                for key, value in train(rule, settings, start, gradients).items():
                    tensors[f"{name}.{key}"] = value.numpy()
    return tensors, texts


def main():
    """Writes the file."""
    parser = argparse.ArgumentParser(prog="parity.golden", description=__doc__)
    parser.add_argument("file")
    tensors, texts = golden()
    save_file(tensors, parser.parse_args().file, texts)
    print(f"{len(texts) - 1} trainings of {STEPS} steps by PyTorch {torch.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
