# SPDX-License-Identifier: Apache-2.0
"""The callback in fit() of Keras 3, on its torch backend."""

import functools
import math

import pytest
import torch
from cases import TOO_HIGH, TOO_LOW, same_bits, table, wants_other_lr

keras = pytest.importorskip("keras")

from keras import layers, optimizers
from ravine.integrations.keras import RavineCallback


def net(optimizer, frozen=False, dropout=0.0):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(32, activation="relu", trainable=not frozen),
            layers.Dropout(dropout),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def fit(model, callback, epochs=2, spoil=None, callbacks=(), **settings):
    """Of 2,000 examples: 63 steps an epoch."""
    x, y = (t.numpy() for t in table(2000, 1))
    if spoil is not None:
        x[32 * spoil : 32 * spoil + 1] = math.nan
    held_out = tuple(t.numpy() for t in table(256, 2))
    every = [*([callback] if callback else []), *callbacks]
    settings = {"validation_data": held_out, "verbose": 0} | settings
    return model.fit(x, y, epochs=epochs, callbacks=every, **settings)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Adam(3e-3, amsgrad=True),
        lambda: optimizers.AdamW(3e-3, global_clipnorm=0.5),
        lambda: optimizers.SGD(0.05, momentum=0.9, gradient_accumulation_steps=4),
        lambda: optimizers.LossScaleOptimizer(optimizers.RMSprop(3e-3)),
        lambda: optimizers.Lion(3e-4, use_ema=True, ema_overwrite_frequency=10),
    ],
)
def test_no_bit_of_the_training_changes(make):
    def run(callback):
        model = net(make(), dropout=0.1)
        history = fit(model, callback)
        state = [v.value for v in [*model.weights, *model.optimizer.variables]]
        return state, history.history["loss"]

    callback = RavineCallback()
    (plain, before), (watched, after) = run(None), run(callback)
    assert callback.diagnosis.step in (126, 126 // 4)
    assert same_bits(plain, watched) and before == after


def test_a_healthy_training(tmp_path, capsys):
    callback = RavineCallback(tmp_path / "ravine.html")
    history = fit(net(optimizers.Adam(3e-3)), callback, epochs=5)
    assert callback.verdicts == [] and callback.diagnosis.verdict == "healthy"
    assert history.history["ravine_severity"] == [0] * 5
    said = capsys.readouterr().err
    assert said.count("ravine:") == 1 and "ravine: at the end, step 315: Training goes well" in said
    assert "The training ended at step 315: healthy" in (tmp_path / "ravine.html").read_text()
    assert "held-out loss" in callback.diagnosis.text


def test_a_loss_that_is_no_number_ends_it(tmp_path):
    file = tmp_path / "stopped.keras"
    callback = RavineCallback(stop_on="urgent", checkpoint_on="nonfinite", checkpoint=file)
    model = net(optimizers.Adam(3e-3))
    history = fit(model, callback, spoil=6, shuffle=False)
    assert [(d.verdict, d.step) for d in callback.verdicts] == [("nonfinite", 7)]
    assert int(model.optimizer.iterations) == 7 and history.history["ravine_severity"] == [3]
    assert len(keras.saving.load_model(file).weights) == len(model.weights)


def test_a_learning_rate_that_is_far_too_high():
    callback = RavineCallback()
    fit(net(optimizers.Adam(30.0)), callback)
    first = callback.verdicts[0]
    assert first.verdict in TOO_HIGH and first.step <= 16 and wants_other_lr(first, lower=True)


def test_a_learning_rate_that_is_far_too_low():
    callback = RavineCallback()
    fit(net(optimizers.Adam(1e-8)), callback)
    first = callback.verdicts[0]
    assert first.verdict in TOO_LOW and wants_other_lr(first, lower=False)


class Look(keras.callbacks.Callback):
    """What the doctor was told: after the callback in the list."""

    def __init__(self, callback):
        super().__init__()
        self.ravine, self.seen, self.facts, self.means = callback, [], {}, []

    def on_train_begin(self, logs=None):
        source = self.ravine._beside.doctors[0]._source
        observe = source.observe
        source.observe = lambda doctor, loss: (self.seen.append(loss), observe(doctor, loss))

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])
        self.facts |= self.ravine._beside.doctors[0].facts


def test_each_step_has_its_own_loss():
    """Keras's logs have the mean since the epoch began."""
    callback = RavineCallback()
    look = Look(callback)
    fit(net(optimizers.Adam(3e-3)), callback, 1, callbacks=[look])
    means = [sum(look.seen[: k + 1]) / (k + 1) for k in range(62)]  # the last batch is smaller
    assert len(look.seen) == 63 and look.means[:62] == pytest.approx(means, rel=1e-5)


def test_facts_that_keras_knows():
    callback = RavineCallback(classes=3)
    look = Look(callback)
    optimizer = optimizers.SGD(0.1, global_clipnorm=0.5, gradient_accumulation_steps=2)
    fit(net(optimizer, frozen=True, dropout=0.25), callback, callbacks=[look])
    assert look.facts["total_steps"] == 63 and look.facts["clip_norm"] == 0.5
    assert look.facts["classes"] == 3 and look.facts["dropout"] == 0.25
    assert look.facts["frozen_share"] == pytest.approx(288 / 387)


def test_gradients_are_seen_after_clipping():
    callback = RavineCallback()
    norms = []

    class Norms(Look):
        def on_train_batch_end(self, batch, logs=None):
            samples = self.ravine._beside.doctors[0]._source._samples
            norms.append(sum((samples.gradient(k) ** 2).sum() for k in range(samples.parts)) ** 0.5)

    model = net(optimizers.SGD(0.1, global_clipnorm=0.01))
    fit(model, callback, 1, callbacks=[Norms(callback)])
    assert norms == pytest.approx([0.01] * 63, rel=1e-4)


def test_a_learning_rate_that_changes_is_seen():
    callback = RavineCallback()
    schedule = optimizers.schedules.CosineDecay(3e-3, 126)
    rates = []

    class Rates(Look):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(self.ravine._beside.doctors[0]._source._known.lr)

    fit(net(optimizers.Adam(schedule)), callback, callbacks=[Rates(callback)])
    assert rates == pytest.approx([float(schedule(k)) for k in range(126)], rel=1e-5)


def test_an_optimizer_of_ones_own():
    class Mine(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * gradient)

        def get_config(self):
            return super().get_config()

    callback = RavineCallback()
    fit(net(Mine(0.1)), callback, epochs=5)
    assert callback.verdicts == [] and callback.diagnosis.verdict == "healthy"


class TestOnOtherBackends:
    """Losses alone, from the means in the logs. The backend is torch, and is not looked into."""

    @pytest.fixture(autouse=True)
    def backend(self, monkeypatch):
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")

    def test_each_step_has_its_own_loss(self):
        callback, heard = RavineCallback(), RavineCallback()
        look, losses = Look(callback), []

        class Heard(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                losses.append(heard._beside.doctors[0]._observation.loss)

        keras.backend.backend = lambda: "torch"
        fit(net(optimizers.Adam(3e-3)), callback, callbacks=[look])
        keras.backend.backend = lambda: "jax"
        fit(net(optimizers.Adam(3e-3)), heard, callbacks=[Heard()])
        assert losses[:62] == pytest.approx(look.seen[:62], rel=1e-4)
        assert losses[63:125] == pytest.approx(look.seen[63:125], rel=1e-4)

    def test_a_healthy_training(self):
        callback = RavineCallback()
        fit(net(optimizers.Adam(3e-3)), callback, epochs=5)
        assert callback.verdicts == [] and callback.diagnosis.verdict == "healthy"
        assert any("KERAS_BACKEND=torch" in line for line in callback.diagnosis.cannot_tell)

    def test_a_loss_that_is_no_number_ends_it(self):
        callback = RavineCallback(stop_on="urgent")
        model = net(optimizers.Adam(3e-3))
        fit(model, callback, spoil=6, shuffle=False)
        assert [(d.verdict, d.step) for d in callback.verdicts] == [("nonfinite", 7)]
        assert int(model.optimizer.iterations) == 7

    def test_what_losses_cannot_tell_is_unclear_and_no_other_disease(self):
        for rate in (30.0, 1e-8):
            callback = RavineCallback()
            fit(net(optimizers.Adam(rate)), callback)
            found = {d.verdict for d in callback.verdicts} | {callback.diagnosis.verdict}
            assert found <= {"unclear", "diverging", "warmup_needed", "not_learning", "bouncing"}
            assert any("KERAS_BACKEND=torch" in line for line in callback.diagnosis.cannot_tell)


def test_a_compiled_step_is_not_looked_into(monkeypatch):
    # Traced as ever; to make machine code takes a compiler and headers that may not be there.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))

    class Compiled(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.jit_compile = True  # of a step that is made by now

    callback, model = RavineCallback(), net(optimizers.Adam(3e-3))
    compiled = Compiled()
    fit(model, compiled, 1, callbacks=[callback])
    assert "_backend_update_step" not in vars(model.optimizer) and callback.diagnosis.step == 63
    assert any("jit_compile" in line for line in callback.diagnosis.cannot_tell)


def test_it_goes_without_a_trace():
    callback, model = RavineCallback(), net(optimizers.Adam(3e-3))
    fit(model, callback, 1)
    assert not {"scale_loss", "_backend_update_step"} & vars(model.optimizer).keys()
    before = [w.value.grad for w in model.trainable_weights]
    assert all(torch.is_tensor(g) for g in before)  # Keras's own gradients, as it left them
    fit(model, callback, 1)
    assert callback.diagnosis.step == 126  # Adam counts on
