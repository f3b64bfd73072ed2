# SPDX-License-Identifier: Apache-2.0
"""Texts: trained on, resumed, evaluated and gone on with; the network once more in PyTorch."""

import gzip
import json
import math
import re
import shutil
import subprocess

import pytest
from conftest import RAVINE
from schema import assert_conforms
from texts import (
    CONTEXT,
    MODELS,
    WORDS,
    bits_of_test,
    evaluated,
    lines_of,
    lstm_in_torch,
    make_text,
    ravine,
    train,
    weights,
)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return make_text(tmp_path_factory.mktemp("text") / "words.txt")


@pytest.fixture(scope="module", params=MODELS)
def run(request, text, tmp_path_factory):
    return train(text, tmp_path_factory.mktemp("runs"), "run", model=request.param)


@pytest.fixture(scope="module")
def transformer(text, tmp_path_factory):
    return train(text, tmp_path_factory.mktemp("transformer"), "run")


def test_it_learns_more_than_the_frequencies_of_bytes(run, text):
    data = text.read_bytes()
    shares = [data.count(byte) / len(data) for byte in set(data)]
    entropy = -sum(share * math.log2(share) for share in shares)
    assert math.log2(len(WORDS)) / 7 < bits_of_test(run) < 0.6 * entropy


def test_evaluate_gives_the_numbers_of_the_test(run):
    answer = evaluated(run)
    assert answer["bits_per_byte"] == pytest.approx(bits_of_test(run), 1e-9)
    assert answer["loss"] == pytest.approx(answer["bits_per_byte"] * math.log(2), 1e-9)


def test_the_best_epoch_is_kept_by_the_validation(run):
    epochs = lines_of(run, "epoch")
    losses = [line["validation"]["loss"] for line in epochs]
    for line in epochs:
        told = line["validation"]
        assert told["bits_per_byte"] == pytest.approx(told["loss"] / math.log(2), 1e-9)
    best = min(range(1, len(losses)), key=losses.__getitem__)
    assert lines_of(run, "test")[-1]["epoch"] == best


def test_the_validation_lies_before_the_test(text, tmp_path):
    """Other bytes at the end of the text change the test alone; those before it choose."""
    data = text.read_bytes()
    tail = round(0.1 * len(data))
    begins = {"test": len(data) - tail // 2, "held": len(data) - 3 * tail // 2}
    for name, begin in begins.items():
        end = begin + tail // 3
        (tmp_path / name).write_bytes(data[:begin] + b"x" * (end - begin) + data[end:])
    kept = train(text, tmp_path, "kept")
    other = train(tmp_path / "test", tmp_path, "other-test")
    held = train(tmp_path / "held", tmp_path, "other-held")
    trained = [[(e.get("train"), e["validation"]) for e in lines_of(r, "epoch")]
               for r in (kept, other, held)]  # fmt: skip
    assert trained[0] == trained[1] and bits_of_test(kept) != bits_of_test(other)
    assert [t for t, _ in trained[0]] == [t for t, _ in trained[2]]
    assert trained[0] != trained[2]


def test_patience_and_seeds_work_with_texts(text, tmp_path):
    run = train(text, tmp_path, "short", "--set=train.patience=1", "--set=train.margin=0.5",
                "--set=epochs=9")  # fmt: skip
    assert len(lines_of(run, "epoch")) < 10
    assert "out_of_patience" in [line["event"] for line in lines_of(run, "event")]
    sets = ["data.format=text", f"data.files=[{text}]", "data.context=16", "data.examples=64",
            "model.name=transformer", "model.norm=pre", "model.layers=1", "model.heads=1",
            "model.width=8", "model.activation=gelu", "epochs=1", f"runs_dir={tmp_path}",
            "name=many"]  # fmt: skip
    told = json.loads(ravine("train", *(f"--set={s}" for s in sets), "--seeds", 2, "--json"))
    assert_conforms(told, "train")
    assert told["test"]["bits_per_byte"]["count"] == 2


def transformer_in_torch(w, config):
    """From bytes to logits, by the weights alone."""
    from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

    pre = config["norm"] == "pre"

    def norm(x, name):
        return layer_norm(x, x.shape[-1:], w[f"{name}norm.weight"], w[f"{name}norm.bias"])

    def layer(x, name):
        return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def attend(x, name):
        heads = layer(x, f"{name}qkv").unflatten(-1, (3, config["heads"], -1))
        q, k, v = heads.permute(1, 2, 0, 3)
        y = scaled_dot_product_attention(q, k, v, is_causal=True)
        return layer(y.transpose(0, 1).flatten(1), f"{name}out")

    def mlp(x, name):
        return layer(gelu(layer(x, f"{name}wide")), f"{name}out")

    def forward(x):
        z = w["embedding.weight"][x] + w["positions.weight"][: len(x)]
        for block in range(1, config["layers"] + 1):
            for part, branch in (("attention", attend), ("mlp", mlp)):
                name = f"block{block}.{part}."
                z = z + branch(norm(z, name), name) if pre else norm(z + branch(z, name), name)
        z = norm(z, "") if pre else z
        return z @ w["embedding.weight"].T

    return forward


def in_torch(run, data):
    """Mean loss in bits of each byte but the first, from weights.safetensors alone."""
    import torch

    config = json.loads((run / "run.jsonl").open().readline())["config"]["model"]
    net = lstm_in_torch if config["name"] == "lstm" else transformer_in_torch
    forward = net({name: value.double() for name, value in weights(run).items()}, config)
    nats = 0.0
    for begin in range(0, len(data) - 1, CONTEXT):
        x = torch.tensor(list(data[begin : begin + CONTEXT]))
        y = torch.tensor(list(data[begin + 1 : begin + CONTEXT + 1]))
        with torch.no_grad():
            logits = forward(x)[: len(y)]
        nats += torch.nn.functional.cross_entropy(logits, y, reduction="sum").item()
    return nats / math.log(2) / (len(data) - 1)


@pytest.mark.parametrize("length", [2, CONTEXT, CONTEXT + 1, CONTEXT + 2, 500])
def test_the_network_is_that_of_pytorch_to_the_last_byte(run, tmp_path, length):
    data = (b"the rock and \xff\x00 sand into the ravine " * 20)[:length]
    (tmp_path / "new.txt").write_bytes(data)
    (tmp_path / "new.txt.gz").write_bytes(gzip.compress(data))
    answer = evaluated(run, tmp_path / "new.txt")
    assert answer["bytes"] == length - 1
    assert answer["bits_per_byte"] == pytest.approx(in_torch(run, data), rel=1e-5)
    assert evaluated(run, tmp_path / "new.txt.gz") == answer


def sequences(data):
    """[count, context] whole sequences, and of each byte the one after it."""
    import torch

    count = (len(data) - 1) // CONTEXT
    x, y = (torch.tensor(list(data[k : k + count * CONTEXT])) for k in (0, 1))
    return x.reshape(count, CONTEXT), y.reshape(count, CONTEXT)


@pytest.mark.parametrize("double", [False, True])
def test_load_run_is_the_same_network(run, text, tmp_path, double):
    import torch
    from ravine.torch import load_run

    data = text.read_bytes()[: 40 * CONTEXT + 1]
    (tmp_path / "new.txt").write_bytes(data)
    module = load_run(run).double() if double else load_run(run)
    assert (module.context, module.classes, module.columns) == (CONTEXT, [], [])
    x, y = sequences(data)
    with torch.no_grad():
        nats = torch.nn.functional.cross_entropy(module.logits(x).flatten(0, 1), y.flatten())
        shares = module(x)
        assert torch.allclose(module(x[:, :5]), shares[:, :5], atol=1e-6)  # what comes is not seen
    assert nats.item() == pytest.approx(evaluated(run, tmp_path / "new.txt")["loss"], rel=1e-5)
    assert torch.allclose(shares.sum(dim=-1), torch.ones((), dtype=shares.dtype), atol=1e-5)
    assert set(module.net.state_dict()) == set(weights(run))


def test_load_run_can_be_trained_on(run, text):
    import torch
    from ravine.torch import load_run

    module = load_run(run).train()
    x, y = sequences(text.read_bytes()[: 8 * CONTEXT + 1])
    torch.nn.functional.cross_entropy(module.logits(x).flatten(0, 1), y.flatten()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())
    with pytest.raises(ValueError, match=f"context of {CONTEXT} bytes"):
        module(torch.zeros(1, CONTEXT + 1))
    with pytest.raises(TypeError, match="learned from a text: give its bytes"):
        module.encode([{}])


@pytest.mark.parametrize(
    "file,old,new,message",
    [
        ("run.jsonl", '"heads":2', '"heads":3', "model.heads is 3; it must divide model.width, 16"),
        ("run.jsonl", '"norm":"pre"', '"norm":"none"', "model.norm is 'none'; a transformer has"),
        ("run.jsonl", '"layers":2', '"layers":true', "model.layers is True"),
        ("run.jsonl", '"layers":2', '"layers":1024', "has no tensor block3"),
        ("run.jsonl", '"name":"transformer"', '"name":"mlp"', "must be one of transformer, lstm"),
        ("encoding.json", "24", "0", r"no context in \[1, 16384\]"),
        ("encoding.json", "24", "25", "positions.weight is"),
        ("encoding.json", "byte", "word", "no unit byte"),
    ],
)
def test_load_run_of_a_folder_that_is_damaged(transformer, tmp_path, file, old, new, message):
    from ravine.torch import load_run

    folder = shutil.copytree(transformer, tmp_path / "run")
    whole = (folder / file).read_text()
    assert old in whole
    (folder / file).write_text(whole.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        load_run(folder)


def test_an_lstm_is_not_exported(text, tmp_path):
    run = train(text, tmp_path, "run", "--set=epochs=1", model="lstm")
    for name, message in (("m.onnx", "layer lstm has no form"), ("m.h", "this one reads a text")):
        told = ravine("export", run, "-o", tmp_path / name, code=2)
        assert f"ravine: {run}: export" in told and message in told
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("model", ["pre", "lstm"])
def test_a_resumed_run_ends_with_the_same_bits(text, tmp_path, model):
    whole = train(text, tmp_path, "whole", "--set=model.dropout=0.1", model=model)
    part = train(text, tmp_path, "part", "--set=model.dropout=0.1", "--set=epochs=1", model=model)
    ravine("train", "--resume", part, "--set=epochs=3", "--quiet", "--threads=1")
    files = [(run / "weights.safetensors").read_bytes() for run in (whole, part)]
    assert files[0] == files[1]


def test_generate_goes_on_with_words_that_it_has_learned(run):
    written = ravine(
        "generate", run, "--prompt", "the river ", "--temperature", 0.3, "--bytes", 400
    )
    assert written.startswith(b"the river ") and len(written) == 410
    words = written.decode().split(" ")[:-1]
    assert sum(word in WORDS for word in words) > 0.8 * len(words)


def test_generate_depends_on_the_seed_alone(run):
    def draw(*more):
        return ravine("generate", run, "--prompt", "sand", "--bytes", 100, *more)

    assert draw("--seed", 1) == draw("--seed", 1) == draw()
    assert draw("--seed", 1) != draw("--seed", 2)
    assert draw("--temperature", 0, "--seed", 1) == draw("--temperature", 0, "--seed", 2)
    assert draw("--bytes", 40)[:44] == draw()[:44]


def test_a_prompt_longer_than_the_context_is_its_end(run):
    end = "and sand into rock cuts "[:CONTEXT]
    short = ravine("generate", run, "--prompt", end, "--bytes", 60)
    long = ravine("generate", run, "--prompt", "deep " * 30 + end, "--bytes", 60)
    assert short[len(end) :] == long[150 + len(end) :]


def test_what_is_asked_of_the_wrong_run_names_the_right_command(run, text):
    assert "ravine generate does" in ravine("predict", run, text, code=2)
    assert "has no labels" in ravine("evaluate", run, text, text, code=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--temperature", "-1"], '--temperature is "-1"; it must be a number in [0, 100]'),
        (["--temperature", "warm"], '--temperature is "warm"; it must be a number in [0, 100]'),
        (["--prompt", ""], "the prompt is empty"),
        (["--bytes", "0"], "bytes"),
    ],
)
def test_wrong_wishes_are_refused(run, words, message):
    assert message in ravine("generate", run, *words, code=2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.name=mlp", "model.name must be transformer or lstm, as data.format is text"),
        ("model.norm=none", "model.norm must be pre or post"),
        ("model.heads=3", "3 heads for a width of 16"),
        ("data.files=[]", "--set: data.files is not set; data.format text needs it"),
        ("data.task=regression", "folder and text hold classes"),
        ("data.class_weights=[balanced]", "data.class_weights is set; data.format is text"),
        ("data.folds=3", "folds are of a table"),
        ("data.context=20000", "data.context is 20000; it must be a whole number in [1, 16384]"),
    ],
)
def test_what_does_not_fit_together_is_refused(text, tmp_path, setting, message):
    assert message in train(text, tmp_path, "none", f"--set={setting}", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("data: {format: text, files: [HERE]}", "model.name must be transformer or lstm"),
        ("data: {format: text, files: [HERE]}\nmodel: {name: transformer}", "model.norm must be"),
        ("data: {format: text}", "data.files is not set; data.format text needs it"),
    ],
)
def test_a_default_that_does_not_fit_is_told_with_the_file_that_wants_another(
    text, tmp_path, lines, message
):
    (tmp_path / "my.yaml").write_text(lines.replace("HERE", str(text)) + "\n")
    told = ravine("train", tmp_path / "my.yaml", code=2)
    assert re.match(rf"ravine: {tmp_path}/my.yaml[^ ]*: {message}", told), told


def test_the_doctor_knows_that_no_norm_stays_as_it_was(run):
    """Else the gradient of a tied table, of both ends of the net, looks like one that grows."""
    facts = json.loads((run / "run.jsonl").open().readline())["facts"]
    assert facts["norms_untrained"] == 0


def test_the_doctor_reads_the_run(run):
    done = subprocess.run([RAVINE, "doctor", run, "--json"], capture_output=True, timeout=300)
    answer = json.loads(done.stdout)
    assert_conforms(answer, "doctor")
    assert answer["verdict"] != "EXPLODING"
    report = json.loads(ravine("report", run, "--json"))
    assert_conforms(report, "report")
    assert report["runs"][0]["validation_bits_per_byte"]["best"] > 0
    assert report["runs"][0]["test_bits_per_byte"] == bits_of_test(run)
