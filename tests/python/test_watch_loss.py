# SPDX-License-Identifier: Apache-2.0
"""The loss that a doctor finds by itself: of a criterion, or in what a model gives."""

from types import SimpleNamespace

import pytest
import ravine

torch = pytest.importorskip("torch")
rt = pytest.importorskip("ravine.torch")
from watch_cases import mlp

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


def batches(steps):
    random = torch.Generator().manual_seed(1)
    for _ in range(steps):
        x = torch.randn(32, 8, generator=random)
        yield x, x[:, :3].argmax(1)


class WithLoss(nn.Module):
    """A model as those of Hugging Face: given labels, its result has the loss."""

    def __init__(self, form):
        super().__init__()
        self.net, self.form = mlp(), form

    def forward(self, x, labels=None):
        scores = self.net(x)
        loss = None if labels is None else F.cross_entropy(scores, labels)
        return self.form(loss=loss, logits=scores)


def told(steps=100, lr=0.05):
    """What a doctor says that is told the loss."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    doctor = ravine.watch(optimizer, model)
    for x, y in batches(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    return doctor.diagnosis


def test_a_criterion_is_as_good_as_tell():
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = ravine.watch(optimizer, model, criterion=criterion)
    for k, (x, y) in enumerate(batches(100)):
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
        if k % 10 == 0:
            with torch.no_grad():
                criterion(model(x * 100), y)  # validation is none of it
    found, expected = doctor.diagnosis, told()
    assert doctor._observed == 100
    assert found.evidence == expected.evidence and found.verdict == expected.verdict
    assert found.facts["classes"] == 3 and found.facts["loss_input"] == 0
    assert found.facts["constant_loss"] == expected.facts["constant_loss"]


@pytest.mark.parametrize("form", [SimpleNamespace, dict])
def test_a_model_whose_result_has_a_loss(form):
    model = WithLoss(form)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = ravine.watch(optimizer, model)
    for x, y in batches(100):
        optimizer.zero_grad()
        output = model(x, labels=y)
        loss = output["loss"] if form is dict else output.loss
        loss.backward()
        optimizer.step()
        model(x)  # a result without one
    assert doctor._observed == 100 and doctor.diagnosis.evidence == told().evidence


def test_losses_of_an_accumulated_step_are_averaged():
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = ravine.watch(optimizer, model, criterion=criterion)
    seen = []
    doctor._source.observe = lambda _, loss: seen.append(loss)
    values = []
    for k, (x, y) in enumerate(batches(8)):
        loss = criterion(model(x), y)
        values.append(float(loss.detach()))
        (loss / 4).backward()
        if k % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    assert seen == pytest.approx([sum(values[:4]) / 4, sum(values[4:]) / 4], rel=1e-12)


def test_what_is_told_counts():
    model, criterion = WithLoss(dict), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = ravine.watch(optimizer, model, criterion=criterion)
    seen = []
    doctor._source.observe = lambda _, loss: seen.append(loss)
    for x, y in batches(3):
        optimizer.zero_grad()
        loss = 7 + criterion(model(x, labels=y)["logits"], y)
        doctor.tell(float(loss.detach()))
        loss.backward()
        optimizer.step()
    assert len(seen) == 3 and min(seen) > 7


def test_a_criterion_counts_and_not_what_the_model_calls_its_loss():
    model, criterion = WithLoss(dict), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = ravine.watch(optimizer, model, criterion=criterion)
    seen = []
    doctor._source.observe = lambda _, loss: seen.append(loss)
    for x, y in batches(3):
        optimizer.zero_grad()
        loss = criterion(model(x, labels=y)["logits"], torch.zeros(32, 3))
        loss.backward()
        optimizer.step()
        assert seen[-1] == float(loss.detach())


class OneNumber(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(8, 1)

    def forward(self, x):
        return self.net(x).mean()


@pytest.mark.parametrize(
    "model, criterion",
    [
        (OneNumber, None),  # a number that need not be the loss
        (lambda: WithLoss(lambda **named: tuple(named.values())), None),
        (mlp, nn.CrossEntropyLoss(reduction="none")),
    ],
)
def test_what_is_not_certain_is_asked_for(model, criterion):
    model = model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = ravine.watch(optimizer, model, criterion=criterion, on_verdict=lambda d: None)
    for x, y in batches(20):
        optimizer.zero_grad()
        result = model(x)
        result = result[1] if isinstance(result, tuple) else result
        loss = result.mean() if criterion is None else criterion(result, y).mean()
        loss.backward()
        optimizer.step()
    assert doctor._observed == 0
    assert any("no loss was told" in line for line in doctor.diagnosis.cannot_tell)


def test_a_criterion_that_is_none_is_refused_and_a_watch_leaves_none_behind():
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with pytest.raises(
        ravine.ArgumentError, match="criterion is a function; it must be a torch.nn"
    ):
        ravine.watch(optimizer, model, criterion=F.cross_entropy)
    doctor = ravine.watch(optimizer, model, criterion=criterion)
    doctor.detach()
    assert not criterion._forward_hooks and not model._forward_hooks
