# SPDX-License-Identifier: Apache-2.0
"""Complaints whose cause is what is trained, and on what: adapters, losses, labels, examples."""

import torch
from torch import nn
from torch.nn import functional as F

from complaints.parts import (
    VOCABULARY,
    language_model,
    linear_to_zero,
    mlp,
    next_token_loss,
    table,
    text,
    train,
    watched,
)


class Adapted(nn.Module):
    """A frozen layer with a low-rank adapter beside it."""

    def __init__(self, layer, rank=4, begin=nn.init.kaiming_uniform_):
        """B begins with zeros, so that the net is what it was; A as `begin` has it."""
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.a = nn.Parameter(begin(torch.empty(rank, layer.in_features)))
        self.b = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x):
        """The layer, and what the adapter adds."""
        return self.layer(x) + x @ self.a.T @ self.b.T


def pretrained():
    """A net that knows one task, all of it frozen."""
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    train(model, optimizer, None, table(200), F.cross_entropy)
    return model.requires_grad_(False)


def fine_tuned(model, optimizer):
    """Another task, for whatever of the net is trained."""
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, table(300, seed=2), F.cross_entropy)
    return doctor.diagnosis


def adapter_forgotten(mended):
    """The optimizer was made before the adapters: it has the head, and none of them."""
    model = pretrained()
    model[4].requires_grad_(True)
    early = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    model[0], model[2] = Adapted(model[0]), Adapted(model[2])
    late = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    return fine_tuned(model, late if mended else early)


def adapter_frozen(mended):
    """An adapter that was loaded for inference: it is frozen, and the optimizer has it."""
    model = pretrained()
    model[0], model[2] = Adapted(model[0]), Adapted(model[2])
    adapters = [p for m in (model[0], model[2]) for p in (m.a, m.b)]
    model[4].bias.requires_grad_(True)  # or backward() would be refused
    optimizer = torch.optim.AdamW([*adapters, model[4].bias], lr=3e-3)
    for p in adapters:
        p.requires_grad_(mended)
    return fine_tuned(model, optimizer)


def adapter_of_zeros(mended):
    """Both matrices begin with zeros: neither has a gradient, for ever."""
    model = pretrained()
    begin = nn.init.kaiming_uniform_ if mended else nn.init.zeros_
    model[0], model[2] = Adapted(model[0], begin=begin), Adapted(model[2], begin=begin)
    adapters = [p for m in (model[0], model[2]) for p in (m.a, m.b)]
    return fine_tuned(model, torch.optim.AdamW(adapters, lr=3e-3))


def adapter_sound(mended):
    """Nothing is wrong: an adapter, 0.3 % of a net, learns what is new in a quarter of a text."""
    model = language_model(width=256)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    train(model, optimizer, None, text(200), next_token_loss)
    model.requires_grad_(False)
    model[1] = Adapted(model[1], rank=1)
    optimizer = torch.optim.AdamW([model[1].a, model[1].b], lr=3e-3)
    doctor = watched(optimizer, model)
    pairs = zip(text(200, size=12), text(200, size=4, seed=7), strict=True)
    batches = ((torch.cat([a, c]), torch.cat([b, d])) for (a, b), (c, d) in pairs)
    train(model, optimizer, doctor, batches, next_token_loss)
    return doctor.diagnosis


def flat_softmax(mended):
    """A softmax before a loss that has one."""
    model = mlp() if mended else nn.Sequential(*mlp(), nn.Softmax(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, table(400), F.cross_entropy)
    return doctor.diagnosis


def flat_labels(mended):
    """Labels that were shuffled apart from their inputs."""
    random = torch.Generator().manual_seed(9)
    batches = table(600)
    if not mended:
        batches = ((x, y[torch.randperm(len(y), generator=random)]) for x, y in batches)
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, batches, F.cross_entropy)
    return doctor.diagnosis


def spike_of_data(mended):
    """One batch of 500 is broken: its tokens follow no rule, and it comes ten times in a row."""
    random = torch.Generator().manual_seed(5)
    batches = list(text(500))
    if not mended:
        broken = torch.zeros(16, 24, dtype=torch.long)
        drawn = torch.randint(VOCABULARY, (16, 24), generator=random)
        batches[400:410] = [(broken, drawn)] * 10
    return pretraining(batches, lr=3e-3)


def spike_of_optimizer(mended):
    """Adam with its defaults long after gradients have become tiny: sigma follows them down."""
    torch.manual_seed(0)
    model = mlp(outputs=1)
    x = torch.randn(64, 20)
    y = torch.randn(64, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3 if mended else 1e-2)
    scheduler = linear_to_zero(optimizer, 1500 if mended else 10**9)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, [(x, y)] * 1500, F.mse_loss, scheduler=scheduler)
    return doctor.diagnosis


def pretraining(batches, **settings):
    """A language model from nothing."""
    model = language_model()
    optimizer = torch.optim.AdamW(model.parameters(), **settings)
    doctor = watched(optimizer, model)
    train(model, optimizer, doctor, batches, next_token_loss)
    return doctor.diagnosis


class Normed(nn.Module):
    """A layer of weights whose length does not matter: its results are normalized."""

    def __init__(self, inputs, outputs):
        """Without gains of its own."""
        super().__init__()
        self.layer = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.LayerNorm(outputs, elementwise_affine=False)

    def forward(self, x):
        """Normalized."""
        return self.norm(self.layer(x))


def rising_gradient(mended, steps=1200):
    """Weight decay shrinks weights before a norm, and their gradient is one over their length.

    Returns the diagnosis, and the gradient's norm at the end over that at a tenth of the run.
    """
    torch.manual_seed(0)
    model = nn.Sequential(Normed(20, 64), nn.GELU(), Normed(64, 64), nn.GELU(), nn.Linear(64, 10))
    decay = 0.0 if mended else 2.0
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=decay)
    scheduler = linear_to_zero(optimizer, steps)
    doctor = watched(optimizer, model, total_steps=steps)
    norms = []
    for x, y in table(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        loss.backward()
        norms.append(nn.utils.get_total_norm([p.grad for p in model.parameters()]))
        optimizer.step()
        scheduler.step()
    tenth = steps // 10
    rise = sum(norms[-tenth:]) / sum(norms[tenth : 2 * tenth])
    return doctor.diagnosis, float(rise)
