# SPDX-License-Identifier: Apache-2.0
"""What the doctor says beside a training in PyTorch, and at which step."""

import math
import warnings

import pytest
import ravine

torch = pytest.importorskip("torch")
from watch_cases import batches, mlp, train

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_forgotten_tell_is_said_with_its_line():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    train(model, optimizer, steps=40)
    assert [(d.verdict, doctor._steps) for d in told] == [("unclear", 40)]
    assert any("doctor.tell(loss)" in line for line in told[0].cannot_tell)


def test_steps_of_which_no_loss_was_told_are_counted():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    doctor = ravine.watch(optimizer, model)
    for k in range(10):
        train(model, optimizer, doctor if k == 0 else None, 1)
    lines = doctor.diagnosis.cannot_tell
    assert "9 of 10 steps: no loss was told; doctor.tell(loss) in each" in lines


def test_before_any_step_nothing_is_healthy():
    model = mlp()
    found = ravine.watch(torch.optim.SGD(model.parameters(), lr=0.1), model).diagnosis
    assert found.verdict == "unclear"
    assert any("no step was made since ravine.watch" in line for line in found.cannot_tell)


def losses_before_a_step(numbers):
    """What is warned of when so many batches come before each step."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    doctor = ravine.watch(optimizer, model)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for number in numbers:
            for _ in range(number):
                doctor.tell(1.0)
            optimizer.step()
    return [str(w.message) for w in told if w.category is RuntimeWarning]


def test_losses_without_a_step_are_told_of_once():
    (text,) = losses_before_a_step([1, 1, 400])
    assert "256 losses and no step since" in text


def test_many_batches_a_step_are_no_reason_to_speak():
    assert losses_before_a_step([200, 700, 200]) == []


def steps_until_told(model, optimizer, spoil, steps=40, watched=None):
    told = []
    doctor = ravine.watch(
        optimizer, watched, on_verdict=lambda d: told.append((d.verdict, doctor._steps))
    )
    for k, (x, y) in enumerate(batches(steps)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss = spoil(k, loss, optimizer)
        doctor.tell(loss)
        optimizer.step()
    return told


def test_a_loss_that_is_not_finite_is_said_at_that_step():
    def spoil(k, loss, optimizer):
        loss = loss * (math.nan if k == 6 else 1)
        loss.backward()
        return loss

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert steps_until_told(model, optimizer, spoil)[0] == ("nonfinite", 7)


def test_no_gradient_anywhere_is_said_at_the_first_step():
    def spoil(k, loss, optimizer):
        loss.backward()
        optimizer.zero_grad()
        return loss

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert steps_until_told(model, optimizer, spoil) == [("not_connected", 1)]


def test_parameters_that_no_optimizer_has_are_said_at_the_second_step():
    def spoil(k, loss, optimizer):
        loss.backward()
        return loss

    model = mlp()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    assert steps_until_told(model, optimizer, spoil, watched=model)[0] == ("not_connected", 2)


def test_a_healthy_run_is_told_of_by_nobody_and_is_healthy():
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    train(model, optimizer, doctor, 600)
    assert not told and doctor.diagnosis.verdict == "healthy"


@pytest.mark.parametrize("kept", [torch.bfloat16, torch.float32])
def test_steps_below_the_last_bit_of_the_parameters_are_lost(kept):
    """8 bits hold nothing of a step of 1e-4 upon parameters of 0.1 and more; 24 bits do."""
    model = mlp().to(kept)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    doctor = ravine.watch(optimizer, model, on_verdict=lambda diagnosis: None)
    for x, y in batches(300):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x.to(kept)).float(), y)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    assert (doctor.diagnosis.verdict == "update_lost") == (kept is torch.bfloat16)
    share = doctor.diagnosis.evidence.get("underflow_share", 0)
    assert share > 0.8 if kept is torch.bfloat16 else share < 0.1


def test_parameters_of_two_layers_are_no_weight_and_bias():
    """Sizes of neighbouring embeddings fit, as in BERT; their gradients tell no signal."""

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.words, self.places, self.kinds = (nn.Embedding(n, 16) for n in (30, 12, 2))
            self.norm = nn.LayerNorm(16)
            self.head = nn.Linear(16, 2)
            for table in (self.words, self.places, self.kinds):
                nn.init.normal_(table.weight, std=0.02)

        def forward(self, x):
            kinds = self.kinds(torch.zeros_like(x))
            x = self.words(x) + self.places(torch.arange(x.shape[1])) + kinds
            return self.head(self.norm(x).mean(1))

    model = Words()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    random = torch.Generator().manual_seed(1)
    for _ in range(64):
        x = torch.randint(30, (32, 12), generator=random)
        loss = F.cross_entropy(model(x), (x[:, 0] > 14).long())
        doctor.tell(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = doctor.diagnosis
    assert "exploding" not in {d.verdict for d in told} | {found.verdict} | set(found.also)


def test_norms_of_somebody_else_hold_signals_too():
    """As in LLaMA: the first norm divides small embeddings by their size, which is no explosion."""

    class TheirRMSNorm(nn.Module):
        def forward(self, x):
            return x * x.square().mean(-1, keepdim=True).rsqrt()

    torch.manual_seed(0)
    words = nn.Embedding(30, 16)
    nn.init.normal_(words.weight, std=0.02)
    layers = [nn.Linear(16, 16, bias=False) for _ in range(6)]
    model = nn.Sequential(words, *(nn.Sequential(TheirRMSNorm(), layer) for layer in layers))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    told = []
    doctor = ravine.watch(optimizer, model, on_verdict=told.append)
    random = torch.Generator().manual_seed(1)
    for _ in range(20):
        x = torch.randint(30, (32, 4), generator=random)
        loss = F.cross_entropy(model(x).flatten(0, 1), (x // 2).flatten())
        doctor.tell(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert doctor.facts["norms_untrained"] == 0
    assert "exploding" not in {d.verdict for d in told} | {doctor.diagnosis.verdict}


def test_a_callback_may_end_the_training():
    def stop(diagnosis):
        raise KeyboardInterrupt

    model = mlp()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer, ravine.watch(optimizer, model, on_verdict=stop))


def test_a_loss_of_several_numbers_is_refused():
    doctor = ravine.watch(torch.optim.SGD(mlp().parameters(), lr=0.1))
    with pytest.raises(ravine.ArgumentError, match=r"the loss has shape \[3\]"):
        doctor.tell(torch.zeros(3))


def test_facts_by_name():
    optimizer = torch.optim.SGD(mlp().parameters(), lr=0.1)
    ravine.watch(optimizer, total_steps=1000, clip_norm=1.0).tell_data(torch.tensor([4, 5]))
    with pytest.raises(
        ravine.ArgumentError, match="there is no fact colour; there are total_steps"
    ):
        ravine.watch(optimizer, colour=3)


def test_settings_are_read_at_every_step_however_they_are_changed():
    """A tensor and a list are written into where they lie; a number is replaced."""
    lr = torch.tensor(0.5)
    optimizer = torch.optim.Adam(mlp().parameters(), lr=lr, betas=(0.5, 0.75))
    doctor = ravine.watch(optimizer)
    known = doctor._source._known
    group = optimizer.param_groups[0]
    assert known.config().lr == 0.5 and known.config().beta2 == 0.75
    lr.fill_(0.25)
    assert known.config().lr == 0.25
    group["lr"] = 0.125
    group["betas"] = [0.5, 0.75]
    assert known.config().lr == 0.125
    group["betas"][1] = 0.875
    assert known.config().beta2 == 0.875
    group["betas"] = (0.5, 0.625)
    assert known.config().beta2 == 0.625 and known.config().beta1 == 0.5
    group["weight_decay"] = 0.5
    assert known.config().weight_decay == 0.5
