# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds out by itself of a model, its inputs and the graph of its loss."""

import copy
import math

import pytest
import ravine

torch = pytest.importorskip("torch")
own = pytest.importorskip("ravine.torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.usefixtures("one_thread")


def net(*more, inputs=8, outputs=3, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs), *more)


def facts_of(model, criterion, x, target, steps=20, trained=None, before=True, times=1.0):
    """The facts after a short training on one batch; before: told before backward()."""
    optimizer = torch.optim.SGD((trained or model).parameters(), lr=1e-3)
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        if before:
            doctor.tell(loss, times=times)
        loss.backward()
        if not before:
            doctor.tell(loss)
        optimizer.step()
    doctor.diagnose()
    assert not doctor._stopped
    return doctor.facts


def table(rows=64, inputs=8):
    random = torch.Generator().manual_seed(1)
    return torch.randn(rows, inputs, generator=random)


LABELS = torch.arange(64) % 3
NUMBERS = table(64, 3)


# ---- what the loss is given

CROSS = F.cross_entropy
LOGITS = F.binary_cross_entropy_with_logits
SMOOTH = nn.CrossEntropyLoss(label_smoothing=0.1)
SHARES = NUMBERS.sigmoid()


@pytest.mark.parametrize(
    ("value", "criterion", "target"),
    [
        (0, CROSS, LABELS),
        (0, SMOOTH, LABELS),
        (0, CROSS, SHARES),
        (0, lambda out, t: F.nll_loss(out.log_softmax(-1), t), LABELS),
        (0, lambda out, t: F.nll_loss(out.softmax(1).log(), t), LABELS),
        (0, lambda out, t: (CROSS(out, t) + 0.1 * out.square().mean()) / 4, LABELS),
        (1, lambda out, t: CROSS(out.softmax(1), t), LABELS),
        (1, lambda out, t: SMOOTH(out.softmax(1), t), LABELS),
        (1, lambda out, t: CROSS(out.sigmoid(), t), LABELS),
        (1, lambda out, t: CROSS(out.softmax(1), t) / 4, LABELS),
        (2, lambda out, t: CROSS(out.softmax(0), t), LABELS),
        (2, lambda out, t: F.nll_loss(out.log_softmax(0), t), LABELS),
        (2, lambda out, t: F.nll_loss(out.log_softmax(-2), t), LABELS),
        (3, lambda out, t: CROSS(out.relu(), t), LABELS),
        (0, LOGITS, SHARES),
        (1, lambda out, t: LOGITS(out.sigmoid(), t), SHARES),
        (0, lambda out, t: F.binary_cross_entropy(out.sigmoid(), t), SHARES),
        (0, F.mse_loss, NUMBERS),
        (3, lambda out, t: F.mse_loss(out.relu(), t), NUMBERS),
        (0, lambda out, t: F.mse_loss(out.relu(), t), NUMBERS.abs()),
        (3, lambda out, t: F.mse_loss(out.sigmoid(), t), NUMBERS),
        (0, lambda out, t: F.mse_loss(out.sigmoid(), t), SHARES),
        (3, lambda out, t: F.smooth_l1_loss(out.relu(), t), NUMBERS),
        (0, lambda out, t: (out - t).square().mean(), NUMBERS),
        (3, lambda out, t: (t - out.relu()).square().mean(), NUMBERS),
        (3, lambda out, t: F.l1_loss(out.relu(), t), NUMBERS),
        (0, lambda out, t: F.mse_loss(out[:, :1], t), NUMBERS[:, :1]),
        (4, lambda out, t: F.mse_loss(out[:, :1], t), NUMBERS[:, 0]),
        (4, lambda out, t: F.smooth_l1_loss(out[:, :1], t), NUMBERS[:, 0]),
        (4, lambda out, t: F.mse_loss(out[:, 0], t), NUMBERS[:, :1]),
        (0, lambda out, t: (out[:, 0] - t).square().mean(), NUMBERS[:, 0]),
        (4, lambda out, t: (out[:, :1] - t).square().mean(), NUMBERS[:, 0]),
        (4, lambda out, t: (t - out[:, :1]).abs().mean(), NUMBERS[:, 0]),
        (0, lambda out, t: (out - t[:, :1]).square().mean(), NUMBERS),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_loss_input(value, criterion, target):
    assert facts_of(net(), criterion, table(), target, 3)["loss_input"] == value


@pytest.mark.parametrize(
    ("value", "criterion"),
    [
        (0, CROSS),
        (1, lambda out, t: CROSS(out.softmax(1), t)),
        (2, lambda out, t: CROSS(out.softmax(0), t)),
        (3, lambda out, t: CROSS(out.relu(), t)),
    ],
)
def test_loss_input_after_backward(value, criterion):
    facts = facts_of(net(), criterion, table(), LABELS, 3, before=False)
    assert facts["loss_input"] == value and facts["classes"] == 3
    assert "constant_loss" not in facts  # the targets are gone


def test_of_a_loss_that_nobody_knows_nothing_is_said():
    facts = facts_of(net(), lambda out, t: (out * t).mean().exp(), table(), NUMBERS, 3)
    assert "loss_input" not in facts and "constant_loss" not in facts


# ---- targets


def test_the_best_constant_of_classes_is_the_entropy_of_their_counts():
    labels = torch.tensor([0] * 48 + [1] * 16)
    facts = facts_of(net(), CROSS, table(), labels)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert facts["classes"] == 3
    assert facts["constant_loss"] == pytest.approx(entropy, abs=2e-3)
    masked = facts_of(net(), CROSS, table(), torch.where(labels == 1, -100, labels))
    assert masked["constant_loss"] == pytest.approx(0, abs=2e-3)
    assert masked["labels_kept"] == pytest.approx(0.75)
    assert facts["labels_kept"] == 1


@pytest.mark.parametrize(
    ("criterion", "times"),
    [
        (lambda out, t: CROSS(out, t) / 1, 1),
        (lambda out, t: CROSS(out, t) / 4, 4),  # of 4 batches that are accumulated
        (lambda out, t: CROSS(out, t) * torch.tensor(1024.0), 1 / 1024),  # by a scaler
        (lambda out, t: CROSS(out, t, reduction="sum") / len(t), 1),
        (lambda out, t: CROSS(out, t, reduction="sum") / torch.tensor(4 * len(t)), 4),
    ],
)
def test_the_best_constant_of_a_loss_that_is_divided_and_told_as_it_was(criterion, times):
    labels = torch.tensor([0] * 48 + [1] * 16)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    facts = facts_of(net(), criterion, table(), labels, times=times)
    assert facts["classes"] == 3
    assert facts["constant_loss"] == pytest.approx(entropy, abs=2e-3)


def test_the_best_constant_of_a_regression_is_its_variance():
    facts = facts_of(net(), F.mse_loss, table(), 100 + 5 * NUMBERS)
    assert facts["constant_loss"] == pytest.approx(
        25 * float(NUMBERS.var(0, False).mean()), rel=1e-4
    )
    assert facts["target_size"] == pytest.approx(100, rel=0.01)


def test_the_best_constant_of_yes_and_no():
    target = (NUMBERS > 0).float()
    p = target.mean(0)
    entropy = float(-(p * p.log() + (1 - p) * (1 - p).log()).mean())
    assert facts_of(net(), LOGITS, table(), target)["constant_loss"] == pytest.approx(entropy)


@pytest.mark.parametrize(
    "criterion",
    [
        lambda out, t: CROSS(out, t) / 4,
        lambda out, t: CROSS(out, t, reduction="sum"),
        lambda out, t: CROSS(out, t, weight=torch.tensor([1.0, 2, 3])),
        SMOOTH,
    ],
)
def test_the_best_constant_of_another_loss_is_not_guessed(criterion):
    facts = facts_of(net(), criterion, table(), LABELS)
    assert "constant_loss" not in facts and "classes" not in facts


# ---- inputs


def test_inputs_of_usual_size():
    facts = facts_of(net(), CROSS, table(), LABELS)
    assert facts["input_size"] == pytest.approx(1, rel=0.1)
    assert facts["input_ratio"] < 2 and facts["input_peak"] < 3


def test_inputs_in_their_own_units():
    assert facts_of(net(), CROSS, 255 * table(), LABELS)["input_size"] > 200
    x = table()
    x[:, 0] *= 1000
    assert facts_of(net(), CROSS, x, LABELS)["input_ratio"] > 500
    x = table()
    x[17] *= 1000
    assert facts_of(net(), CROSS, x, LABELS)["input_peak"] > 500


def test_targets_of_which_one_is_wild():
    wild = NUMBERS.clone()
    wild[3] *= 1000
    assert facts_of(net(), F.mse_loss, table(), NUMBERS)["target_peak"] < 4
    assert facts_of(net(), F.mse_loss, table(), wild)["target_peak"] > 300


def gain_of(model, inputs=8):
    return facts_of(model, CROSS, table(inputs=inputs), LABELS).get("weight_gain")


def test_the_gain_of_the_first_weights():
    model = net()
    usual = gain_of(model)
    assert 0.4 < usual < 0.8  # 1 / sqrt(3)
    with torch.no_grad():
        model[0].weight *= 30
    assert gain_of(model) == pytest.approx(30 * usual, rel=0.3)
    nn.init.kaiming_normal_(model[0].weight)
    assert gain_of(model) == pytest.approx(2**0.5, rel=0.25)
    with torch.no_grad():
        model[0].weight *= 30
    assert (
        gain_of(nn.Sequential(model[0], nn.LayerNorm(16), *model[1:])) is None
    )  # it holds signals


@pytest.mark.parametrize(
    ("criterion", "maximize", "wrong"),
    [
        (lambda x, y: CROSS(x, y), False, False),
        (lambda x, y: -CROSS(x, y), False, True),
        (lambda x, y: CROSS(x, y), True, True),
        (lambda x, y: -CROSS(x, y), True, False),
        (lambda x, y: -F.mse_loss(x, NUMBERS), False, True),
        (lambda x, y: -1 * CROSS(x, y) / 4, False, True),
        (lambda x, y: CROSS(x, y) / 4, True, True),
        (lambda x, y: CROSS(x, y) / 4, False, False),
        (lambda x, y: 2 / CROSS(x, y), False, False),
        (lambda x, y: -x.mean(), False, False),  # an objective of one's own
        (lambda x, y: -LOGITS(x, SHARES), False, False),  # as adversaries do
        (lambda x, y: CROSS(x, y) - 0.1 * F.mse_loss(x, NUMBERS), False, False),
    ],
)
def test_an_error_that_is_made_larger(criterion, maximize, wrong):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, maximize=maximize)
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
    for _ in range(20):
        optimizer.zero_grad()
        loss = criterion(model(table()), LABELS)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    said = doctor.diagnosis
    assert ("ascent" in doctor.facts) == wrong
    assert (said.verdict == "diverging") == wrong
    assert ("a sign is wrong" in said.sentence) == wrong


RULES = [
    torch.optim.Adam,
    torch.optim.Adagrad,
    lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9),
    own.Adam,
    own.Adagrad,
]


@pytest.mark.parametrize("make", RULES)
def test_an_optimizer_that_is_made_anew_has_lost_its_state(make):
    model = net()
    optimizer = make(model.parameters())
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = CROSS(model(table()), LABELS)
            doctor.tell(loss)
            loss.backward()
            optimizer.step()

    train(12)
    kept = copy.deepcopy(optimizer.state_dict())
    optimizer.load_state_dict(kept)
    train(8)
    assert "state_lost" not in doctor.facts
    optimizer.load_state_dict(make(net().parameters()).state_dict())
    train(8)
    assert doctor.facts["state_lost"] == 20
    assert doctor.diagnosis.verdict == "resume_jump"
    assert "lost its state" in doctor.diagnosis.sentence


@pytest.mark.parametrize("make", [torch.optim.Adam, own.Adam, RULES[2]])
def test_a_state_that_is_emptied_where_it_lies_is_lost(make):
    model = net()
    optimizer = make(model.parameters())
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
    for k in range(20):
        if k == 12:
            for state in optimizer.state.values():
                state.clear()
        optimizer.zero_grad()
        loss = CROSS(model(table()), LABELS)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    assert doctor.facts["state_lost"] == 12


@pytest.mark.parametrize("make", [torch.optim.Adam, own.Adam, torch.optim.SGD])
@pytest.mark.parametrize("resumed", [0, 600])
@pytest.mark.parametrize("loaded", [False, True])
def test_a_training_that_goes_on_has_its_state(make, resumed, loaded):
    def train(model, optimizer, doctor=None):
        for _ in range(4):
            optimizer.zero_grad()
            loss = CROSS(model(table()), LABELS)
            if doctor:
                doctor.tell(loss)
            loss.backward()
            optimizer.step()

    model = net()
    before, optimizer = make(model.parameters(), lr=0.01), make(model.parameters(), lr=0.01)
    train(model, before)
    if loaded:
        optimizer.load_state_dict(before.state_dict())
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None, resumed=resumed)
    train(model, optimizer, doctor)
    lost = bool(resumed) and not loaded and make is not torch.optim.SGD  # which keeps none
    assert ("state_lost" in doctor.facts) == lost


def test_columns_that_are_always_0_are_no_measure():
    x = table()
    x[:, :6] = 0
    assert facts_of(net(), CROSS, x, LABELS)["input_ratio"] < 2


def test_inputs_of_an_evaluation_are_not_looked_at():
    model = net()
    doctor = ravine.watch(torch.optim.SGD(model.parameters(), lr=1e-3), model)
    with torch.no_grad():
        model(1000 * table())
    doctor.diagnose()
    assert "input_size" not in doctor.facts
    model.eval()
    model(table())  # and then trained by mistake
    doctor.diagnose()
    assert doctor.facts["input_size"] == pytest.approx(1, rel=0.1)


def test_symbols_have_no_size():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(10, 8), nn.Flatten(), nn.Linear(32, 3))
    facts = facts_of(model, CROSS, torch.randint(0, 10, (64, 4)), LABELS)
    assert not {"input_size", "input_ratio", "input_peak"} & facts.keys()


# ---- the model


def test_dropout_is_the_greatest_share():
    assert "dropout" not in facts_of(net(), CROSS, table(), LABELS)
    facts = facts_of(net(nn.Dropout(0.2), nn.Dropout(0.9)), CROSS, table(), LABELS, 2)
    assert facts["dropout"] == 0.9


@pytest.mark.parametrize(
    ("mode", "momentum", "share"), [("train", 0.1, 0), ("eval", 0.1, 1), ("train", 0.0, 0)]
)
def test_batch_norms_that_use_means_that_no_batch_has_trained(mode, momentum, share):
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16, momentum=momentum), nn.Linear(16, 3))
    model.train(mode == "train")
    assert facts_of(model, CROSS, table(), LABELS)["norms_untrained"] == share


def test_shares_of_what_is_trained():
    facts = facts_of(net(), CROSS, table(), LABELS)
    assert facts["frozen_share"] == facts["foreign_share"] == facts["unreached_share"] == 0

    model = net()  # 144 numbers in the first layer, 51 in the last
    model[0].requires_grad_(False)
    facts = facts_of(model, CROSS, table(), LABELS)
    assert facts["frozen_share"] == pytest.approx(144 / 195)
    assert facts["foreign_share"] == facts["unreached_share"] == 0

    model = net()
    facts = facts_of(model, CROSS, table(), LABELS, trained=model[2])
    assert facts["foreign_share"] == pytest.approx(144 / 195)
    assert facts["frozen_share"] == facts["unreached_share"] == 0


class Adapted(nn.Module):
    """A frozen layer and its low-rank adapter, as home-made ones have it."""

    def __init__(self, layer, rank):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, layer.in_features))
        self.b = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x):
        return self.layer(x) + x @ self.a.T @ self.b.T


def test_what_an_adapter_leaves_frozen_is_frozen_on_purpose():
    model = net().requires_grad_(False)
    model[0] = Adapted(model[0], rank=1)
    facts = facts_of(model, CROSS, table(), LABELS)
    assert "frozen_share" not in facts and facts["foreign_share"] == 0
    # An adapter that is frozen, too, beside a head that is not, is the mistake that it looks like.
    model.requires_grad_(False)
    model[2].bias.requires_grad_(True)
    assert facts_of(model, CROSS, table(), LABELS)["frozen_share"] > 0.9
    # A layer that is trained beside a frozen one of another shape is no adapter.
    model = net()
    model[0].requires_grad_(False)
    assert "frozen_share" in facts_of(model, CROSS, table(), LABELS)


def test_a_part_that_no_gradient_reaches():
    model = net()
    model[0].register_forward_hook(lambda module, args, out: out.detach())
    facts = facts_of(model, CROSS, table(), LABELS)
    assert facts["unreached_share"] == pytest.approx(144 / 195)


def test_updates_below_the_last_bit_of_16_bits():
    for dtype, lost in ((torch.float32, False), (torch.bfloat16, True)):
        torch.manual_seed(0)
        model = net().to(dtype)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
        doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None)
        for _ in range(64):
            optimizer.zero_grad()
            loss = CROSS(model(table().to(dtype)), LABELS)
            doctor.tell(loss)
            loss.backward()
            optimizer.step()
        samples = doctor._source._samples
        was, gradient = samples.before(0), samples.gradient(0)
        still = was == model[0].weight.detach().double().flatten().numpy()
        assert bool(still[gradient != 0].mean() > 0.5) is lost


def test_what_the_user_says_stands():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    doctor = ravine.watch(optimizer, model, classes=7)
    for _ in range(3):
        loss = CROSS(model(table()), LABELS)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()
    doctor.diagnose()
    assert doctor.facts["classes"] == 7
