# SPDX-License-Identifier: Apache-2.0
"""A training that goes nowhere, and a doctor beside it that says why.

Two lines more than any training script: ravine.watch() and doctor.tell(). The first net has a
softmax before a loss that does one, too; the second is what the doctor advises.
"""

import ravine
import torch

STEPS = 300


def train(model):
    """The loss after training, and what the doctor said on the way."""
    torch.manual_seed(0)
    x = torch.randn(512, 20)
    y = (x @ torch.randn(20, 4)).argmax(1)
    said = []
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    doctor = ravine.watch(optimizer, model, on_verdict=said.append)
    for _ in range(STEPS):
        batch = torch.randint(0, len(x), (64,))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    return loss.item(), said, doctor.diagnosis


def net(*last):
    """Four classes of twenty numbers."""
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4), *last
    )


loss, said, _ = train(net(torch.nn.Softmax(dim=1)))
print(f"loss {loss:.3f}; the doctor, after {said[0].step} steps:\n\n{said[0]}\n")

loss, said, diagnosis = train(net())
print(f"loss {loss:.3f}; the doctor called out {len(said)} times; at the end: {diagnosis.verdict}")
