# SPDX-License-Identifier: Apache-2.0
"""The doctor in loops of every kind: accumulation, scalers, closures, several optimizers."""

import math

import pytest
import ravine

torch = pytest.importorskip("torch")
from watch_cases import batches, mlp, same_bits, train

F = torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


def test_losses_of_an_accumulated_step_are_averaged():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    data = list(batches(64))
    for k, (x, y) in enumerate(data):
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        (loss / 4).backward()
        if k % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    assert doctor._observed == 16 and doctor.diagnosis.step == 16


@pytest.mark.parametrize("fused", [False, True])
def test_steps_that_a_scaler_skips_are_no_steps(fused):
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    for k, (x, y) in enumerate(batches(40)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        scaler.scale(loss).backward()
        if k == 5:
            model[0].weight.grad[0, 0] = math.inf
        scaler.step(optimizer)
        scaler.update()
    assert doctor._observed == 39 and not told
    samples = doctor._source._samples
    assert max(abs(samples.gradient(i)).max() for i in range(4)) < 10  # not times the scale


def test_two_optimizers_of_one_model_have_its_parameters_between_them():
    model = mlp()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.Adam(model[2].parameters(), lr=1e-2)
    told = []
    doctors = [ravine.watch(o, model, on_verdict=told.append) for o in (first, second)]
    for x, y in batches(40):
        first.zero_grad(), second.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        for doctor in doctors:
            doctor.tell(loss)
        first.step(), second.step()
    assert not told and [d._observed for d in doctors] == [40, 40]


def test_what_an_unwatched_optimizer_moves_is_not_left_out():
    model = mlp()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.SGD(model[2].parameters(), lr=0.1)
    told = []
    doctor = ravine.watch(first, model, on_verdict=told.append)
    for x, y in batches(20):
        first.zero_grad(), second.zero_grad()
        loss = F.cross_entropy(model(x), y)
        doctor.tell(loss)
        loss.backward()
        first.step(), second.step()
    assert not told


def test_a_group_that_is_added():
    model = mlp()
    optimizer = torch.optim.Adam(model[2].parameters(), lr=1e-2)
    doctor = ravine.watch(optimizer, window=64)
    train(model, optimizer, doctor, 20)
    optimizer.add_param_group({"params": list(model[0].parameters())})
    train(model, optimizer, doctor, 20)
    assert doctor._source._samples.parts == 4 and doctor.diagnosis.step == 40


def test_a_second_watch_takes_the_place_of_the_first():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    first = ravine.watch(optimizer, model)
    second = ravine.watch(optimizer, model)
    train(model, optimizer, second, 3)
    assert second._observed == 3 and first._steps == 0
    assert any("another watch()" in line for line in first.diagnosis.cannot_tell)


def test_losses_that_are_told_in_a_closure_stand():
    """As Lightning does it: batches before the last are told, and the closure returns a part."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    seen = []
    doctor._source.observe = lambda pointer, loss: seen.append(loss)
    data, told = list(batches(8)), []
    for k, (x, y) in enumerate(data):

        def closure(x=x, y=y):
            loss = F.cross_entropy(model(x), y) / 2
            doctor.tell(loss, times=2)
            told.append(2 * loss.item())
            loss.backward()
            return loss

        if k % 2 == 0:
            closure()
        else:
            optimizer.step(closure)
            optimizer.zero_grad()
    assert seen == pytest.approx([(a + b) / 2 for a, b in zip(told[::2], told[1::2], strict=True)])


def test_of_a_closure_that_is_called_again_and_again_the_first_loss_counts():
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    doctor = ravine.watch(optimizer, model)
    seen, told = [], []
    doctor._source.observe = lambda pointer, loss: seen.append(loss)
    for x, y in batches(3):

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            doctor.tell(loss)
            told[-1].append(loss.item())
            loss.backward()
            return loss

        told.append([])
        optimizer.step(closure)
    assert seen == [calls[0] for calls in told] and len(told[0]) > 1


def test_an_optimizer_in_the_wrapper_of_a_framework():
    class Wrapper(torch.optim.Optimizer):
        def __init__(self, optimizer):  # as Accelerate's: it has no hooks of its own
            self.optimizer = optimizer

        def step(self, closure=None):
            self.optimizer.step(closure)

        def zero_grad(self):
            self.optimizer.zero_grad()

    model = mlp()
    inner = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(Wrapper(Wrapper(inner)), model)
    train(model, Wrapper(Wrapper(inner)), doctor, 5)
    assert doctor._watched is inner and doctor._observed == 5


def test_a_compiled_model_is_watched_as_the_one_that_was_compiled():
    def run(compiled, watched):
        net = mlp()
        model = torch.compile(net, backend="eager") if compiled else net
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        doctor = ravine.watch(optimizer, model) if watched else None
        return train(model, optimizer, doctor), doctor

    (plain, _), (bits, doctor), (_, other) = run(True, False), run(True, True), run(False, True)
    assert same_bits(plain, bits) and doctor._observed == 40
    names = [name.decode() for name in doctor._source._samples.names]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert doctor.diagnosis.facts == other.diagnosis.facts
    assert doctor.diagnosis.evidence == other.diagnosis.evidence
