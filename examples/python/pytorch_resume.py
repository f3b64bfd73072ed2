# SPDX-License-Identifier: Apache-2.0
"""Stops a training in the middle, saves, loads into fresh objects, goes on: the same bits."""

import io

import ravine.torch
import torch


def start():
    """A model with its optimizer and schedule, as at the start."""
    torch.manual_seed(0)
    model = torch.nn.Linear(10, 1)
    optimizer = ravine.torch.NAdam(model.parameters())
    scheduler = ravine.torch.Schedule(optimizer, "warmup(10) cosine(90) lr=0.01")
    return model, optimizer, scheduler


def train(model, optimizer, scheduler, first, last):
    """Steps first ... last - 1, each with data of its own."""
    for step in range(first, last):
        x = torch.randn(32, 10, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()
        scheduler.step()


whole = start()
train(*whole, 0, 100)

half = start()
train(*half, 0, 50)
file = io.BytesIO()
torch.save([part.state_dict() for part in half], file)

file.seek(0)
again = start()
for part, saved in zip(again, torch.load(file, weights_only=True), strict=True):
    part.load_state_dict(saved)
train(*again, 50, 100)

pairs = zip(whole[0].parameters(), again[0].parameters(), strict=True)
same = all(torch.equal(p, q) for p, q in pairs)
print("resumed and uninterrupted training:", "the same bits" if same else "different")
