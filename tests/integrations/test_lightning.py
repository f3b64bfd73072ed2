# SPDX-License-Identifier: Apache-2.0
"""The callback in the Trainer of Lightning."""

import csv
import math

import pytest
import torch
from cases import TOO_HIGH, TOO_LOW, assert_untouched, same_bits, table, wants_other_lr
from torch import nn
from torch.nn import functional as F

lightning = pytest.importorskip("lightning.pytorch")

from ravine.integrations.lightning import RavineCallback


class Net(lightning.LightningModule):
    def __init__(self, lr=3e-3, spoil=None, trained=None):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
        self.lr, self.spoil, self.trained = lr, spoil, trained

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, k):
        loss = F.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss * math.nan if k == self.spoil else loss

    def validation_step(self, batch, k):
        self.log("val_loss", F.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam((self.trained or self.layers).parameters(), lr=self.lr)


def loader(examples, seed, shuffle=True):
    data = torch.utils.data.TensorDataset(*table(examples, seed))
    random = torch.Generator().manual_seed(seed)
    return torch.utils.data.DataLoader(data, 32, shuffle=shuffle, generator=random)


def fit(folder, net, callback, callbacks=(), **settings):
    """Of 2,000 examples: 63 steps an epoch."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(
        default_root_dir=folder,
        callbacks=[*([callback] if callback else []), *callbacks],
        logger=lightning.loggers.CSVLogger(folder, name="", version=""),
        **(quiet | {"max_epochs": 2} | settings),
    )
    trainer.fit(net, loader(2000, 1), loader(256, 2, shuffle=False))
    return trainer


def test_no_bit_of_the_training_changes(tmp_path):
    def run(callback):
        net = Net()
        fit(tmp_path, net, callback, accumulate_grad_batches=2, gradient_clip_val=0.5)
        return list(net.parameters()), torch.get_rng_state()

    callback = RavineCallback()
    (plain, before), (watched, after) = run(None), run(callback)
    assert callback.diagnosis.step == 64
    assert same_bits(plain, watched) and torch.equal(before, after)


def test_a_healthy_training(tmp_path, capsys):
    callback = RavineCallback(tmp_path / "ravine.html")
    fit(tmp_path, Net(), callback, max_epochs=5)
    assert callback.verdicts == [] and callback.diagnosis.verdict == "healthy"
    said = capsys.readouterr().err
    assert said.count("ravine:") == 1 and "ravine: at the end, step 315: Training goes well" in said
    assert "The training ended at step 315: healthy" in (tmp_path / "ravine.html").read_text()
    assert "held-out loss" in callback.diagnosis.text


def test_a_loss_that_is_no_number_ends_it(tmp_path):
    callback = RavineCallback(stop_on="urgent", checkpoint_on="nonfinite")
    trainer = fit(tmp_path, Net(spoil=6), callback)
    assert [(d.verdict, d.step) for d in callback.verdicts] == [("nonfinite", 7)]
    assert trainer.global_step == 7
    assert (tmp_path / "checkpoints" / "ravine-step=7.ckpt").is_file()
    with open(tmp_path / "metrics.csv") as file:
        (logged,) = [line for line in csv.DictReader(file) if line.get("ravine/severity")]
    assert float(logged["ravine/severity"]) == 3 and int(logged["step"]) == 7


def test_a_learning_rate_that_is_far_too_high(tmp_path):
    callback = RavineCallback()
    fit(tmp_path, Net(lr=30.0), callback)
    first = callback.verdicts[0]
    assert first.verdict in TOO_HIGH and first.step <= 16 and wants_other_lr(first, lower=True)


def test_a_learning_rate_that_is_far_too_low(tmp_path):
    callback = RavineCallback()
    fit(tmp_path, Net(lr=1e-8), callback)
    first = callback.verdicts[0]
    assert first.verdict in TOO_LOW and wants_other_lr(first, lower=False)


def test_a_layer_that_no_optimizer_has(tmp_path):
    net = Net()
    net.trained = net.layers[2]
    callback = RavineCallback(stop_on="not_connected")
    trainer = fit(tmp_path, net, callback)
    assert [d.verdict for d in callback.verdicts] == ["not_connected"] and trainer.global_step == 2


class Keep(lightning.Callback):
    """The losses of training_step, as Lightning hands them on; what the doctor was told."""

    def __init__(self, callback):
        self.callback, self.losses, self.seen, self.facts = callback, [], [], {}

    def on_train_start(self, trainer, net):
        source = self.callback._beside.doctors[0]._source
        observe = source.observe
        source.observe = lambda doctor, loss: (self.seen.append(loss), observe(doctor, loss))

    def on_train_batch_end(self, trainer, net, outputs, batch, k):
        self.losses.append(float(outputs["loss"]))
        self.facts |= self.callback._beside.doctors[0].facts


@pytest.mark.parametrize("settings", [{}, {"accumulate_grad_batches": 3}])
def test_each_step_has_its_own_loss(tmp_path, settings):
    """Of accumulated batches the mean; Lightning divides each by their number."""
    callback = RavineCallback()
    keep = Keep(callback)
    fit(tmp_path, Net(), None, max_epochs=1, callbacks=[callback, keep], **settings)
    n = settings.get("accumulate_grad_batches", 1)
    sums = [sum(keep.losses[k : k + n]) for k in range(0, len(keep.losses), n)]
    assert len(keep.seen) == 63 // n and keep.seen == pytest.approx(sums, rel=1e-6)


def test_facts_that_the_trainer_knows(tmp_path):
    callback = RavineCallback(constant_loss=1.1)
    keep = Keep(callback)
    fit(tmp_path, Net(), None, callbacks=[callback, keep], gradient_clip_val=0.5)
    assert keep.facts["total_steps"] == 126 and keep.facts["clip_norm"] == 0.5
    assert keep.facts["constant_loss"] == 1.1 and keep.facts["classes"] == 3


def test_clipping_by_value_is_no_clipping_by_norm(tmp_path):
    callback = RavineCallback()
    keep = Keep(callback)
    clip = {"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"}
    fit(tmp_path, Net(), None, callbacks=[callback, keep], max_epochs=1, **clip)
    assert "clip_norm" not in keep.facts


class Rivals(Net):
    """Two optimizers by hand."""

    automatic_optimization = False

    def training_step(self, batch, k):
        for optimizer, times in zip(self.optimizers(), (1, 10), strict=True):
            loss = times * F.cross_entropy(self(batch[0]), batch[1])
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.Adam(self.layers[k].parameters(), lr=3e-3) for k in (0, 2)]


def test_two_optimizers_have_their_own_losses(tmp_path):
    callback = RavineCallback()
    told = [[], []]

    class Look(lightning.Callback):
        def on_train_start(self, trainer, net):
            for doctor, losses in zip(callback._beside.doctors, told, strict=True):
                doctor._source.observe = lambda _, loss, losses=losses: losses.append(loss)

    fit(tmp_path, Rivals(), None, callbacks=[callback, Look()], max_epochs=1)
    assert [len(losses) for losses in told] == [63, 63]
    assert all(a < 3 < b for a, b in zip(*told, strict=True) if a > 0.5)
    assert callback.verdicts == []


def test_bfloat16(tmp_path):
    callback = RavineCallback()
    fit(tmp_path, Net(), callback, precision="bf16-mixed", max_epochs=5)
    assert callback.verdicts == [] and callback.diagnosis.verdict == "healthy"


def test_lbfgs_whose_closure_is_called_again_and_again(tmp_path):
    class Exact(Net):
        def configure_optimizers(self):
            return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)

    callback = RavineCallback()
    fit(tmp_path, Exact(), callback, max_epochs=1)
    assert callback.diagnosis.step == 63


def test_the_held_out_loss_by_its_name(tmp_path):
    class Other(Net):
        def validation_step(self, batch, k):
            self.log("nll", F.cross_entropy(self(batch[0]), batch[1]))

    callback, named = RavineCallback(), RavineCallback(validation="nll")
    for each in (callback, named):
        fit(tmp_path, Other(), each, max_epochs=5)
    assert "held-out" not in callback.diagnosis.text and "held-out" in named.diagnosis.text


def test_it_goes_without_a_trace(tmp_path):
    callback, net = RavineCallback(), Net()
    trainer = fit(tmp_path, net, callback, max_epochs=1)
    assert_untouched(trainer.optimizers[0], net)


def test_it_goes_without_a_trace_when_the_training_breaks(tmp_path):
    class Broken(Net):
        def training_step(self, batch, k):
            if k == 3:
                raise RuntimeError("out of something")
            return super().training_step(batch, k)

    callback, net = RavineCallback(), Broken()
    with pytest.raises(RuntimeError, match="out of something"):
        fit(tmp_path, net, callback)
    assert callback.diagnosis.step == 3 and not net._forward_pre_hooks
