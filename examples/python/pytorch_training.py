# SPDX-License-Identifier: Apache-2.0
"""A training script of PyTorch, twice: torch.optim.AdamW, and ravine.torch.AdamW in its place.

The losses are the same. The third time, clipping, zeroing and averaging are part of the step.
"""

import ravine.torch
import torch

EPOCHS = 150


def spirals(count):
    """Two spirals, one for each class: [2 count, 2] and [2 count]."""
    angle = torch.linspace(0.5, 3, count) * torch.pi
    arm = torch.stack([angle.cos(), angle.sin()], 1) * angle[:, None] / 10
    return torch.cat([arm, -arm]), torch.arange(2).repeat_interleave(count)


def train(make_optimizer, **step):
    """The loss after training; `step`: arguments of optimizer.step()."""
    torch.manual_seed(0)
    x, y = spirals(200)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 64), torch.nn.GELU(), torch.nn.Linear(64, 64), torch.nn.GELU(),
        torch.nn.Linear(64, 2),
    )  # fmt: skip
    optimizer = make_optimizer(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step(**step)
        scheduler.step()
    return loss.item(), model, optimizer


theirs, _, _ = train(torch.optim.AdamW)
ours, _, _ = train(ravine.torch.AdamW)
print(f"loss with torch.optim.AdamW   {theirs:.5f}")
print(f"loss with ravine.torch.AdamW  {ours:.5f}")

loss, model, optimizer = train(ravine.torch.AdamW, clip_norm=0.1, ema=0.98, zero_grad=True)
average = optimizer.state[model[0].weight]["ema"]
print(f"loss with clipping            {loss:.5f}")
print(f"first layer: |weights - their average| {(model[0].weight - average).norm():.5f}")
