# SPDX-License-Identifier: Apache-2.0
"""ravine.watch changes no bit of a training, and never makes one fail."""

import copy
import io
import warnings

import pytest
import ravine

torch = pytest.importorskip("torch")
from watch_cases import RULES, batches, mlp, same_bits, train

F = torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("rule", [*RULES, "LBFGS"])
def test_no_bit_of_the_training_changes(rule):
    def run(watched):
        model = mlp()
        optimizer = getattr(torch.optim, rule)(model.parameters(), **RULES.get(rule, {"lr": 0.1}))
        doctor = ravine.watch(optimizer, model) if watched else None
        for x, y in batches(20):

            def closure(x=x, y=y):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                return loss

            optimizer.step(closure)
        assert not watched or doctor._observed == 20
        return [p.detach() for p in model.parameters()], torch.get_rng_state()

    (plain, before), (watched, after) = run(False), run(True)
    assert same_bits(plain, watched) and torch.equal(before, after)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_no_bit_changes_in_any_floating_type(dtype):
    def run(watched):
        model = mlp().to(dtype)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        doctor = ravine.watch(optimizer, model) if watched else None
        for x, y in batches(40):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x.to(dtype)), y)
            if doctor:
                doctor.tell(loss)
            loss.backward()
            optimizer.step()
        assert not watched or doctor._observed == 40
        return [p.detach() for p in model.parameters()]

    assert same_bits(run(False), run(True))


def test_it_goes_without_a_trace():
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters())
    before = {k: copy.copy(v) for k, v in optimizer.__dict__.items() if "hooks" in k}
    hooks = len(model._forward_pre_hooks)
    doctor = ravine.watch(optimizer, model)
    train(model, optimizer, doctor, 3)
    doctor.detach()
    assert {k: v for k, v in optimizer.__dict__.items() if "hooks" in k} == before
    assert len(model._forward_pre_hooks) == hooks
    train(model, optimizer, doctor, 3)  # tell() is harmless
    assert doctor._observed == 3
    assert any("it was detached" in line for line in doctor.diagnosis.cannot_tell)


def test_what_fails_in_it_is_warned_of_once_and_the_training_goes_on():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    doctor._source.observe = lambda *_: 1 / 0
    with pytest.warns(RuntimeWarning, match="looks no more, it failed: ZeroDivisionError") as seen:
        watched = train(model, optimizer, doctor)
    assert len(seen) == 1
    model = mlp()
    assert same_bits(watched, train(model, torch.optim.SGD(model.parameters(), lr=0.1)))


def test_it_does_not_even_raise_where_warnings_are_errors():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    doctor._source.before = lambda *_: 1 / 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, optimizer, doctor, 3)


def test_a_copy_of_the_optimizer_is_not_watched():
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    doctor = ravine.watch(optimizer, model)
    train(model, copy.deepcopy(optimizer), steps=2)
    assert doctor._steps == 0


def test_a_model_that_is_copied_or_pickled_is_watched_but_its_copy_is_not():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    averaged = torch.optim.swa_utils.AveragedModel(model)  # it copies
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (averaged, copy.deepcopy(model), loaded):
        other(torch.ones(2, 8))
    assert doctor._shown.inputs.calls == 0
    train(model, optimizer, doctor, 3)
    assert doctor._shown.inputs.calls == doctor._observed == 3
