# SPDX-License-Identifier: Apache-2.0
"""`ravine export`: the model in onnxruntime answers as `ravine predict` does."""

import json
import sys

import numpy as np
import pytest
from conftest import ROOT

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
sys.path.append(str(ROOT / "tests/python"))
from trained import KINDS, make, pixels_of, predicted, ravine, read, rows_of  # noqa: E402


def export(run, *more):
    path = run.with_suffix(".onnx")
    ravine("export", run, "-o", path, *more)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return runtime.InferenceSession(path, providers=["CPUExecutionProvider"])


GAPS = {"": "nan", "?": "nan"}  # a number that is missing is NaN


def inputs(session, file):
    first = session.get_inputs()[0]
    if first.name == "pixels":
        assert first.type == "tensor(uint8)"
        return {"pixels": pixels_of(file)[:, None]}
    rows, kinds = rows_of(file), {"tensor(double)": np.float64, "tensor(string)": object}
    return {
        i.name: np.array([[GAPS.get(row[i.name], row[i.name])] for row in rows]).astype(
            kinds[i.type]
        )
        for i in session.get_inputs()
    }


@pytest.mark.parametrize("averaged", [[], ["--averaged"]])
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_predict_does(tmp_path, kind, averaged):
    run, file = make(tmp_path, kind)
    session = export(run, *averaged)
    given, expected = inputs(session, file), predicted(run, file, *averaged)
    target = json.loads((run / "encoding.json").read_text())["target"]
    told = session.get_modelmeta().custom_metadata_map
    if "words" not in target:
        (got,) = session.run(["prediction"], given)
        assert np.abs(got - expected[:, 0]).max() <= 1e-5 * target["deviation"]
        assert told["target"] == target["name"]
        return
    prediction, got = session.run(["prediction", "probabilities"], given)
    assert np.abs(got - expected).max() <= 1e-5
    assert json.loads(told["classes"]) == target["words"]
    assert list(prediction) == [target["words"][k] for k in expected.argmax(axis=1)]
    one = session.run(["probabilities"], {name: x[:1] for name, x in given.items()})
    assert one[0].shape == (1, len(target["words"]))  # any number of examples


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_text_is_foretold_as_in_load_run(tmp_path, norm):
    import torch
    from ravine.torch import load_run

    run, file = read(tmp_path, norm)
    session, module = export(run), load_run(run)
    told = session.get_modelmeta().custom_metadata_map
    assert told == {"context": "24"}
    text = np.frombuffer(file.read_bytes()[: 24 * 40], np.uint8).reshape(40, 24)
    for given in text, text[:1], text[:3, :7], text[:2, :1]:
        (got,) = session.run(["probabilities"], {"bytes": given})
        with torch.no_grad():
            expected = module(torch.tensor(given)).numpy()
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() <= 1e-5
    (shares,) = session.run(None, {"bytes": text[:, :-1]})
    nats = -np.log(np.take_along_axis(shares, text[:, 1:, None].astype(int), 2)).mean()
    assert nats < 2  # it has learned from them
    with pytest.raises(Exception, match="[Bb]roadcast|dimension"):
        session.run(None, {"bytes": np.zeros((1, 25), np.uint8)})


def test_a_word_that_is_new_is_refused(tmp_path):
    run, file = make(tmp_path, "words")
    session = export(run)
    given = inputs(session, file)
    given["hue"][3, 0] = "mauve"
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, given)
