# SPDX-License-Identifier: Apache-2.0
"""The lstm beside torch.nn.LSTM, its state beyond the context, and gradients that explode."""

import json
import subprocess

import pytest
from conftest import RAVINE
from schema import assert_conforms
from texts import (
    CONTEXT,
    bits_of_test,
    lines_of,
    lstm_in_torch,
    make_text,
    ravine,
    torch_lstm,
    train,
    weights,
)

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return make_text(tmp_path_factory.mktemp("text") / "words.txt")


def test_training_goes_as_in_pytorch(tmp_path):
    """From the weights after the first step, with gradients that are clipped in some steps."""
    steps, lr, bound = 25, 0.5, 1.0
    data = b"the river cuts a ravine deep into rock and sand"[: CONTEXT + 1]
    assert len(data) == CONTEXT + 1
    (tmp_path / "text").write_bytes(data + data)  # one place to train on: batches are known
    sets = {
        "epochs": 1, "batch_size": 3, "data.examples": 3 * steps, "data.test_share": 0.5,
        "data.validation_share": 0,
        "optimizer": f"sgd lr={lr}", "clip_norm": bound, "log_every": 1,
        "checkpoint.steps": 1, "checkpoint.keep": steps,
    }  # fmt: skip
    words = [f"--set={key}={value}" for key, value in sets.items()]
    run = train(tmp_path / "text", tmp_path, "run", *words, model="lstm")
    w = weights(run, "checkpoints/step-00000001.safetensors")
    lstm, table = torch_lstm(w, 2), torch.nn.Parameter(w["embedding.weight"])
    numbers = [*lstm.parameters(), table]
    optimizer = torch.optim.SGD(numbers, lr=lr)
    x = torch.tensor(list(data)).expand(3, -1)
    logged = lines_of(run, None)[1:]
    assert len(logged) == steps - 1
    assert {line["clip"] < 1 for line in logged} == {True, False}
    for line in logged:
        logits = lstm(table[x[:, :-1]])[0] @ table.T
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), x[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(numbers, bound)
        assert line["loss"] == pytest.approx(loss.item(), rel=1e-4)
        assert line["grad_norm"] == pytest.approx(norm.item(), rel=1e-3)
        optimizer.step()
    last = weights(run)
    for name, value in lstm.state_dict().items():
        torch.testing.assert_close(last[f"lstm.{name}"], value, rtol=1e-3, atol=1e-4)


def test_generate_carries_the_state_beyond_the_context(text, tmp_path):
    """Each byte is the likeliest one after all bytes before it, not those of a context alone."""
    run = train(text, tmp_path, "run", "--set=epochs=1", model="lstm")
    told = ravine("generate", run, "--prompt", "rock", "--temperature", 0, "--bytes", 5 * CONTEXT)
    with torch.no_grad():
        forward = lstm_in_torch(weights(run), {"layers": 2})
        likeliest = forward(torch.tensor(list(told))).argmax(1).tolist()
    assert list(told[4:]) == likeliest[3:-1]


def diagnosed(run):
    done = subprocess.run([RAVINE, "doctor", run, "--json"], capture_output=True, timeout=300)
    answer = json.loads(done.stdout)
    assert_conforms(answer, "doctor")
    return answer


def test_an_explosion_is_cured_by_the_clipping_that_is_advised(text, tmp_path):
    """At a rate that throws an lstm out, the same training learns once its norm is clipped."""

    def of(name, *more):
        sets = ("--set=optimizer=sgd lr=30", "--set=model.layers=1", "--set=model.width=32")
        run = train(text, tmp_path, name, *sets, *more, "--set=data.examples=3200", model="lstm")
        return diagnosed(run), bits_of_test(run)

    answer, bits = of("thrown", "--set=epochs=1")
    assert bits > 8  # worse than guessing
    assert answer["verdict"] == "diverging"
    assert answer["evidence"]["gradient_wall"] > 10
    cure = answer["cures"][0]
    assert cure["kind"] == "clip_norm"
    assert f"clip_norm {cure['new_value']:.3g}" in answer["sentence"]
    answer, bits = of("clipped", "--set=epochs=1", f"--set=clip_norm={cure['new_value']}")
    assert bits < 2
    assert answer["verdict"] == "healthy"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.norm=pre"], "model.norm must be none; an lstm has no norms"),
        (["model.layers=1", "model.dropout=0.1"], "drops between its layers, and has 1"),
        (["data.format=idx"], "model.name is lstm; it needs data.format text"),
    ],
)
def test_what_an_lstm_has_not_is_refused(text, tmp_path, settings, message):
    words = [f"--set={setting}" for setting in settings]
    assert message in train(text, tmp_path, "none", *words, model="lstm", code=2)
    assert list(tmp_path.iterdir()) == []
