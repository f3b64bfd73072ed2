# SPDX-License-Identifier: Apache-2.0
"""What the tests of ravine.watch share: a net, its data, its training, and PyTorch's rules."""

import torch
import torch.nn.functional as F
from torch import nn

RULES = {
    "SGD": {"lr": 0.05, "momentum": 0.9},
    "Adam": {"lr": 1e-2, "weight_decay": 0.1},
    "AdamW": {"lr": 1e-2},
    "NAdam": {"lr": 1e-2},
    "RAdam": {"lr": 1e-2},
    "Adamax": {"lr": 1e-2},
    "Adagrad": {"lr": 1e-2},
    "RMSprop": {"lr": 1e-2},
    "Adadelta": {},
    "Rprop": {},
    "ASGD": {"lr": 1e-2},
}


def mlp(inputs=8, width=16, classes=3, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, classes))


def batches(steps, inputs=8, classes=3, size=32, seed=1):
    random = torch.Generator().manual_seed(seed)
    truth = torch.randn(inputs, classes, generator=random)
    for _ in range(steps):
        x = torch.randn(size, inputs, generator=random)
        yield x, (x @ truth).argmax(1)


def train(model, optimizer, doctor=None, steps=40, **data):
    for x, y in batches(steps, **data):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if doctor:
            doctor.tell(loss)
        loss.backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def same_bits(a, b):
    return all(
        torch.equal(x.view(torch.uint8), y.view(torch.uint8)) for x, y in zip(a, b, strict=True)
    )
