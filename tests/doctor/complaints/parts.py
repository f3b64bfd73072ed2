# SPDX-License-Identifier: Apache-2.0
"""What the trainings are made of: data, nets, and a loop as people write it."""

import ravine
import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY = 32
IGNORED = -100


def table(steps, size=32, inputs=20, classes=10, seed=1):
    """Batches of a table whose classes a linear map decides."""
    random = torch.Generator().manual_seed(seed)
    truth = torch.randn(inputs, classes, generator=random)
    for _ in range(steps):
        x = torch.randn(size, inputs, generator=random)
        yield x, (x @ truth).argmax(1)


def text(steps, size=16, length=24, seed=1):
    """Batches of a text in which each token is a guess from the one before."""
    random = torch.Generator().manual_seed(seed)
    follows = torch.softmax(2 * torch.randn(VOCABULARY, VOCABULARY, generator=random), 1)
    tokens = torch.randint(VOCABULARY, (steps * size, 1), generator=random)
    for _ in range(length):
        drawn = torch.multinomial(follows[tokens[:, -1]], 1, generator=random)
        tokens = torch.cat([tokens, drawn], 1)
    for batch in tokens.split(size):
        yield batch[:, :-1], batch[:, 1:]


def mlp(inputs=20, width=64, outputs=10, seed=0):
    """A net for the table."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, outputs),
    )  # fmt: skip


def language_model(width=32, seed=0):
    """A net for the text: it sees one token and says the next."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Embedding(VOCABULARY, width), nn.Linear(width, 2 * width), nn.GELU(),
        nn.Linear(2 * width, width), nn.LayerNorm(width), nn.Linear(width, VOCABULARY),
    )  # fmt: skip


def next_token_loss(logits, labels, reduction="mean"):
    """Cross-entropy over all tokens whose label counts."""
    return F.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction=reduction
    )


def watched(optimizer, model, **facts):
    """A doctor that keeps what it says to itself."""
    return ravine.watch(optimizer, model, on_verdict=lambda found: None, **facts)


def train(model, optimizer, doctor, batches, criterion, *, scheduler=None, clip_norm=None):
    """The loop that everybody writes; returns the losses."""
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if doctor:
            doctor.tell(loss)
        loss.backward()
        if clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(float(loss.detach()))
    return losses


def linear_to_zero(optimizer, steps):
    """The schedule that the Trainer of Hugging Face has if nobody asks for another."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: max(0.0, 1 - t / steps))
