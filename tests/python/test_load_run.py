# SPDX-License-Identifier: Apache-2.0
"""`ravine.torch.load_run`: a run folder as a module that answers as `ravine predict` does."""

import json
import re
import shutil

import numpy as np
import pytest
import safetensors.numpy
from trained import KINDS, make, pixels_of, predicted, rows_of

torch = pytest.importorskip("torch")
from ravine import torch as rt  # noqa: E402


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    return make(tmp_path_factory.mktemp("load"), request.param)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return make(tmp_path_factory.mktemp("words"), "words")


def answers(module, file):
    x = module.encode(rows_of(file)) if module.columns else torch.tensor(pixels_of(file))
    with torch.no_grad():
        out = module(x)
    assert out.ndim == (2 if module.classes else 1)
    return out.reshape(len(x), -1).double().numpy()


def close(run, got, expected):
    target = json.loads((run / "encoding.json").read_text())["target"]
    return np.abs(got - expected).max() <= 1e-5 * max(1, target.get("deviation", 0))


@pytest.mark.parametrize("double", [False, True])
def test_it_answers_as_predict_does(run, double):
    folder, file = run
    for weights, more in (("last", []), ("averaged", ["--averaged"])):
        module = rt.load_run(folder, weights=weights)
        assert not module.training
        if double:
            module = module.double()
        assert close(folder, answers(module, file), predicted(folder, file, *more))


def test_names_are_those_of_the_weights(run):
    module = rt.load_run(run[0])
    stored = safetensors.numpy.load_file(run[0] / "weights.safetensors")
    names = {n for n in module.net.state_dict() if not n.endswith("num_batches_tracked")}
    assert names == {n for n in stored if not n.startswith("ema.")}
    assert all(p.requires_grad for p in module.parameters())
    module.train()(torch.zeros(2, *tuple(_size(module)))).sum().backward()


def _size(module):
    return [len(module.columns)] if module.columns else module.encoding._shape


def test_best_is_the_epoch_of_the_least_validation_loss(words, tmp_path):
    folder = shutil.copytree(words[0], tmp_path / "run")
    log = (folder / "run.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in log if '"type":"epoch"' in line]
    # The first one behind the start is made the best: its checkpoint is not the run's weights.
    first = epochs[1]
    text = [
        re.sub(r'("validation":\{"loss":)[^,]+', r"\g<1>1e-9", line)
        if line.startswith("{") and json.loads(line).get("step") == first["step"]
        else line
        for line in log
    ]
    assert text != log
    (folder / "run.jsonl").write_text("\n".join(text) + "\n")
    best = rt.load_run(folder, weights="best").net.state_dict()
    kept = safetensors.numpy.load_file(folder / f"checkpoints/step-{first['step']:08d}.safetensors")
    for name in ("layer1.weight", "layer1.norm.running_var"):
        assert np.array_equal(best[name].numpy(), kept[name])
    assert not torch.equal(
        best["layer1.weight"], rt.load_run(folder).net.state_dict()["layer1.weight"]
    )


def test_classes_and_rows(words):
    module = rt.load_run(words[0])
    assert module.classes == ["a", "b", "c"]
    assert module.columns == ["length", "width", "same", "hue", "year"]
    row = {"length": 1001, "width": "-1", "same": 5, "hue": "red", "year": 2000}
    assert module.encode([row]).shape == (1, 5)
    assert torch.equal(module.encode([row]), module.encode([row | {"year": "2000.0"}]))
    for change, message in (
        ({"hue": "mauve"}, "row 1: hue is 'mauve', none of the words"),
        ({"width": ""}, "row 1: width is ''; it must be a number"),
        ({"width": "nan"}, "row 1: width is 'nan'; it must be a number"),
    ):
        with pytest.raises(ValueError, match=message):
            module.encode([row | change])
    del row["hue"]
    with pytest.raises(KeyError, match="row 1 has no 'hue'"):
        module.encode([row])
    with pytest.raises(ValueError, match="learned from 5 columns"):
        module(torch.zeros(1, 4))


def _json(path, change):
    first, _, rest = path.read_text().partition("\n") if path.suffix == ".jsonl" else ("", "", "")
    value = json.loads(first or path.read_text())
    change(value)
    path.write_text(json.dumps(value) + "\n" + rest)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-40])


HOSTILE = {
    "no encoding": (lambda f: (f / "encoding.json").unlink(), "encoding.json is missing"),
    "no log": (lambda f: (f / "run.jsonl").unlink(), "run.jsonl is missing"),
    "no weights": (
        lambda f: (f / "weights.safetensors").unlink(),
        "weights.safetensors is missing",
    ),
    "cut weights": (lambda f: _cut(f / "weights.safetensors"), "weights.safetensors"),
    "cut encoding": (lambda f: _cut(f / "encoding.json"), "encoding.json: is no JSON"),
    "more columns": (
        lambda f: _json(f / "encoding.json", lambda e: e["columns"].append(e["columns"][0])),
        r"layer1.weight is \[16, 7\]; the run's net has float32 of \[16, 8\]",
    ),
    "a width of 1e9": (
        lambda f: _json(f / "run.jsonl", lambda h: h["config"]["model"].update(widths=[10**9])),
        r"model.widths has 1000000000; it must be in \[1, 65536\]",
    ),
    "a wide net": (
        lambda f: _json(f / "run.jsonl", lambda h: h["config"]["model"].update(widths=[65536] * 9)),
        r"layer1.weight is \[16, 7\]",
    ),
    "no such net": (
        lambda f: _json(f / "run.jsonl", lambda h: h["config"]["model"].update(name="gan")),
        "model.name is 'gan'",
    ),
    "a deviation that is none": (
        lambda f: _json(f / "encoding.json", lambda e: e["columns"][0].update(deviation=-1)),
        "column 'length' has neither words nor",
    ),
    "an encoding of images": (
        lambda f: _json(f / "encoding.json", lambda e: e.update(kind="images", shape=[1, 2])),
        "shape is",
    ),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_folder_that_is_damaged(words, tmp_path, how):
    folder = shutil.copytree(words[0], tmp_path / "run")
    damage, message = HOSTILE[how]
    damage(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        rt.load_run(folder)


def test_weights_are_one_of_three(words):
    with pytest.raises(ValueError, match="weights is 'first'; it must be"):
        rt.load_run(words[0], weights="first")
