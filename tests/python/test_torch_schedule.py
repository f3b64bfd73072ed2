# SPDX-License-Identifier: Apache-2.0
"""Ravine's schedules for PyTorch's optimizers, and PyTorch's for Ravine's."""

import copy
import io

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import ravine
import ravine.torch
from torch.optim import lr_scheduler

TEXT = "warmup(4) cosine(6, to=0.01) lr=0.1"


def one_parameter():
    p = torch.ones(2).requires_grad_()
    p.grad = torch.ones(2)
    return p


@pytest.mark.parametrize("module", [ravine.torch, torch.optim])
def test_every_step_has_its_value(module):
    optimizer = module.SGD([one_parameter()], lr=123.0)
    scheduler = ravine.torch.Schedule(optimizer, TEXT)
    values = ravine.Schedule(TEXT)
    assert isinstance(scheduler, lr_scheduler.LRScheduler)
    for step in range(14):
        assert optimizer.param_groups[0]["lr"] == scheduler.get_last_lr()[0] == values(step)
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == [0.01]


def test_one_for_each_group():
    groups = [{"params": [one_parameter()]}, {"params": [one_parameter()]}]
    optimizer = ravine.torch.SGD(groups)
    scheduler = ravine.torch.Schedule(
        optimizer, ["0.5", ravine.Schedule("linear(2, from=1, to=0)")]
    )
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.5, 0.5]
    with pytest.raises(ValueError, match="there are 1 schedules for 2 parameter groups"):
        ravine.torch.Schedule(optimizer, ["0.5"])
    with pytest.raises(ValueError, match="column"):
        ravine.torch.Schedule(optimizer, "cosin(3)")


def test_schedule_round_trip():
    optimizer = ravine.torch.SGD([one_parameter()])
    scheduler = ravine.torch.Schedule(optimizer, TEXT)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    file = io.BytesIO()
    torch.save(scheduler.state_dict(), file)
    file.seek(0)
    other = ravine.torch.SGD([one_parameter()])
    again = ravine.torch.Schedule(other, "1.0")
    again.load_state_dict(torch.load(file, weights_only=True))
    for s, o in ((scheduler, optimizer), (again, other)):
        o.step()
        s.step()
    assert again.get_last_lr() == scheduler.get_last_lr() == [ravine.Schedule(TEXT)(6)]


def test_a_tensor_for_lr():
    optimizer = ravine.torch.SGD([one_parameter()], lr=torch.tensor(1.0))
    tensor = optimizer.param_groups[0]["lr"]
    ravine.torch.Schedule(optimizer, "0.25")
    assert optimizer.param_groups[0]["lr"] is tensor and tensor.item() == 0.25


def sequence(optimizer):
    return lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.ConstantLR(optimizer, 0.1, 2),
            lr_scheduler.ExponentialLR(optimizer, 0.9),
        ],
        milestones=[2],
    )


SCHEDULERS = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=20),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
    "SequentialLR": sequence,
    "Schedule": lambda o: ravine.torch.Schedule(o, TEXT),
}


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("rule", ["SGD", "AdamW"])
def test_schedulers_of_pytorch(name, rule):
    """They change lr, momentum and betas in the groups, and so in the step."""
    settings = {"momentum": 0.9} if rule == "SGD" else {}
    results = []
    for module in (ravine.torch, torch.optim):
        p = one_parameter()
        optimizer = getattr(module, rule)([p], lr=0.1, **settings)
        scheduler = SCHEDULERS[name](optimizer)
        for _ in range(12):
            optimizer.step()
            scheduler.step()
        results.append((p, scheduler.get_last_lr()))
    torch.testing.assert_close(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_plateau():
    optimizer = ravine.torch.SGD([p := one_parameter()], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    for _ in range(2):
        scheduler.step(1.0)
    optimizer.step()
    assert p[0].item() == 0.5


def test_scheduler_survives_a_copy_of_its_optimizer():
    optimizer = ravine.torch.SGD([one_parameter()], lr=1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert copy.deepcopy(optimizer).param_groups[0]["lr"] == 0.5


def test_swa():
    """PyTorch's averaged model beside our step."""
    model = torch.nn.Linear(2, 1)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    optimizer = ravine.torch.SGD(model.parameters(), lr=0.1)
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(4, 2)).sum().backward()
        optimizer.step()
        averaged.update_parameters(model)
        seen.append(model.weight.detach().clone())
    torch.testing.assert_close(averaged.module.weight, torch.stack(seen).mean(0))
