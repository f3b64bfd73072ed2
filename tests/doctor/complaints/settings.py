# SPDX-License-Identifier: Apache-2.0
"""Complaints whose cause is how steps are made: rate, schedule, clipping, batch, checkpoint."""

import torch
from torch.nn import functional as F

from complaints.parts import (
    IGNORED,
    language_model,
    linear_to_zero,
    mlp,
    next_token_loss,
    table,
    text,
    train,
    watched,
)


def numbers(steps, size=32, seed=1, scale=1.0):
    """Batches of a table with a number to be predicted, and some noise on it."""
    random = torch.Generator().manual_seed(seed)
    truth = torch.randn(20, 1, generator=random)
    for _ in range(steps):
        x = torch.randn(size, 20, generator=random)
        y = x @ truth + torch.randn(size, 1, generator=random)
        yield x, scale * y


def clipping(mended, rate=1e-3):
    """Plain SGD on gradients of norm 10 to 20 that are clipped to 0.1 in every step."""
    model = mlp(outputs=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    doctor = watched(optimizer, model)
    clip_norm = None if mended else 0.1
    train(model, optimizer, doctor, numbers(400), F.mse_loss, clip_norm=clip_norm)
    return doctor.diagnosis


def first_half(steps):
    """Half of a training: states of weights, optimizer and schedule, and the last losses."""
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = linear_to_zero(optimizer, steps)
    losses = train(model, optimizer, None, table(steps // 2), F.cross_entropy, scheduler=scheduler)
    return model.state_dict(), optimizer.state_dict(), scheduler.state_dict(), losses[-20:]


def resume(mended, steps=1200):
    """Training goes on from the weights alone: moments and schedule begin anew.

    Returns the diagnosis, and the loss of 20 steps soon after, over that of 20 before the stop.
    """
    weights, moments, position, before = first_half(steps)
    model = mlp(seed=1)
    model.load_state_dict(weights)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = linear_to_zero(optimizer, steps)
    if mended:
        optimizer.load_state_dict(moments)
        scheduler.load_state_dict(position)
    doctor = watched(optimizer, model, resumed=steps // 2)
    rest = table(steps // 2)
    losses = train(model, optimizer, doctor, rest, F.cross_entropy, scheduler=scheduler)
    return doctor.diagnosis, sum(losses[20:40]) / sum(before)


def schedule(mended, steps=400, processes=4):
    """A scheduler that was prepared for one process is stepped once for each of four."""
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = linear_to_zero(optimizer, steps)
    doctor = watched(optimizer, model)
    for x, y in table(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
        for _ in range(1 if mended else processes):
            scheduler.step()
    return doctor.diagnosis


def batch_and_rate(mended):
    """The recipe's rate, for eight GPUs with two images each, on one GPU."""
    model = mlp(outputs=1, width=128)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02 / (8 if mended else 1), momentum=0.9)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, numbers(400, size=2), F.mse_loss)
    return doctor.diagnosis


def swap_to_adam(mended):
    """SGD's rate of 0.1, kept for AdamW."""
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3 if mended else 0.1)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, table(400), F.cross_entropy)
    return doctor.diagnosis


def swap_to_sgd(mended):
    """AdamW's rate of 3e-4, kept for SGD."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1 if mended else 3e-4)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, table(400), F.cross_entropy)
    return doctor.diagnosis


def uneven(steps, parts=4):
    """Parts of a batch with answers of very different length."""
    for part, (x, y) in enumerate(text(steps * parts, size=4)):
        length = (1, 2, 4, 24)[part % parts]
        yield x, y.masked_fill(torch.arange(y.shape[1]) >= length, IGNORED)


def accumulate(mended, steps=150, parts=4):
    """Four parts a step: each part's mean counts the same, however few labels it has.

    Returns the diagnosis, and by what share the last step's gradient differs from that of the
    whole batch.
    """
    model = language_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    doctor = watched(optimizer, model)
    batches = uneven(steps, parts)
    for _ in range(steps):
        group = [next(batches) for _ in range(parts)]
        counted = sum(int((y != IGNORED).sum()) for _, y in group)
        whole = gradient(model, [next_token_loss(model(x), y, "sum") / counted for x, y in group])
        optimizer.zero_grad()
        for x, y in group:
            if mended:
                loss = next_token_loss(model(x), y, "sum") / counted
                doctor.tell(parts * loss)
            else:
                loss = next_token_loss(model(x), y) / parts
                doctor.tell(parts * loss)
            loss.backward()
        stepped = torch.cat([p.grad.flatten() for p in model.parameters()])
        optimizer.step()
    return doctor.diagnosis, float((stepped - whole).norm() / whole.norm())


def gradient(model, losses):
    """Of a sum of losses, for all parameters in a row."""
    return torch.cat([g.flatten() for g in torch.autograd.grad(sum(losses), model.parameters())])
