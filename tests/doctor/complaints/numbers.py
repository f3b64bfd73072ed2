# SPDX-License-Identifier: Apache-2.0
"""Complaints whose cause is the numbers themselves: their type, their range, their masks."""

import torch
from torch.nn import functional as F

from complaints.parts import (
    IGNORED,
    language_model,
    mlp,
    next_token_loss,
    table,
    text,
    train,
    watched,
)


def half_weights(mended):
    """Weights in float16 with AdamW: its eps of 1e-8 is 0 there, and 0 / 0 is NaN."""
    model = mlp() if mended else mlp().half()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    doctor = watched(optimizer, model)
    batches = ((x.to(model[0].weight.dtype), y) for x, y in table(200))
    train(model, optimizer, doctor, batches, F.cross_entropy)
    return doctor.diagnosis


def answers_cut_off(mended, length=24, prompt=16):
    """Labels of the prompt are masked, and the sequence is cut off before the answer begins."""
    longest = length if mended else prompt
    for x, y in text(200, length=length):
        labels = y.masked_fill(torch.arange(length) < prompt, IGNORED)
        yield x[:, :longest], labels[:, :longest]


def labels_masked(mended):
    """The loss is a sum over the labels that count, divided by their number or by 1."""

    def criterion(logits, labels):
        counted = (labels != IGNORED).sum().clamp(min=1)
        return next_token_loss(logits, labels, "sum") / counted

    model = language_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, answers_cut_off(mended), criterion)
    return doctor.diagnosis


def labels_masked_in_a_mean(mended):
    """The same with PyTorch's mean over no label, which is NaN."""
    model = language_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, answers_cut_off(mended), next_token_loss)
    return doctor.diagnosis


def loss_scale(mended):
    """float16 under a GradScaler, and inputs so large that every pass overflows."""
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    doctor = watched(optimizer, model)
    scaler = torch.amp.GradScaler("cpu")
    for x, y in table(300):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.float16):
            loss = F.cross_entropy(model(x if mended else 1e6 * x), y)
        doctor.tell(loss)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return doctor.diagnosis


def bf16_weights(mended):
    """Fine-tuning of weights that are kept in bfloat16 with a small rate."""
    model = mlp()
    train(model, torch.optim.AdamW(model.parameters(), lr=3e-3), None, table(300), F.cross_entropy)
    if not mended:
        model = model.bfloat16()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    doctor = watched(optimizer, model)
    other = ((x.to(model[0].weight.dtype), y) for x, y in table(400, seed=2))
    train(model, optimizer, doctor, other, F.cross_entropy)
    return doctor.diagnosis
