# SPDX-License-Identifier: Apache-2.0
"""Every configuration of examples/ to its end: trained, killed, gone on with, evaluated, asked, and
as ONNX and a module of PyTorch, which give the same numbers. Their networks and optimizers are as
they are; images and texts are small ones that lie in the same layout."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT

runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
sys.path.append(str(ROOT / "tests/python"))
import torch  # noqa: E402
from ravine.torch import load_run  # noqa: E402
from test_onnx import inputs  # noqa: E402
from trained import RAVINE, pictures, pixels_of, png, predicted, ravine, rows_of  # noqa: E402

CLASSES, EACH, SIDE, CONTEXT = 10, 20, 32, 128


def table(folder, told):
    """The example's own table is small."""
    return {"data.file": ROOT / told["file"]}, ROOT / told["file"]


def idx(folder, told):
    paths = pictures(folder, CLASSES, (28, 28), (600, 60))
    return {k.replace("__", "."): path for k, path in paths.items()}, paths["data__test_images"]


def images(folder, told):
    """Of the size that they get, so that every pixel stays as it is."""
    draw = np.random.default_rng(5)
    for k, name in enumerate(told["classes"]):
        (folder / "images" / name).mkdir(parents=True)
        for i in range(EACH):
            pixels = draw.integers(0, 100, (SIDE, SIDE, 3))
            pixels[3 * k : 3 * k + 3] += 150
            png(folder / "images" / name / f"{i}.png", pixels)
    assert told["image_size"] == SIDE
    return {"data.folder": folder / "images"}, folder / "images"


def text(folder, told):
    draw, file = np.random.default_rng(5), folder / "words.txt"
    words = "the river cuts a ravine deep into rock and sand".split()
    file.write_text(" ".join(draw.choice(words) for _ in range(9000)))
    assert told["context"] == CONTEXT
    return {
        "data.files": f"[{file}]",
        "data.examples": 64,
        "data.test_share": 0.1,
        "data.validation_share": 0.1,
    }, file


STAND_INS = {"csv": table, "idx": idx, "folder": images, "text": text}
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def lines(run, kind):
    every = [json.loads(line) for line in (run / "run.jsonl").read_text().splitlines()]
    return [line for line in every if line.get("type") == kind]


def kill(words, run):
    """Kills the training once it has a checkpoint, before its end."""
    process = subprocess.Popen([RAVINE, "train", *words], stderr=subprocess.PIPE)
    while not list(run.glob("checkpoints/step-*.safetensors")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert not any(line["event"] == "finished" for line in lines(run, "event"))


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def trained(request, tmp_path_factory):
    """(run of the whole training, examples, words that train it again)."""
    folder = tmp_path_factory.mktemp(request.param.stem)
    told = json.loads(ravine("train", request.param, "--print-config", "--json"))["data"]
    told = {key: value["value"] for key, value in told.items()}
    settings, file = STAND_INS[told["format"]](folder, told)
    settings |= {"epochs": 3, "checkpoint.steps": 1, "runs_dir": folder}
    words = [request.param, "-q", *(f"--set={k}={v}" for k, v in settings.items())]
    ravine("train", *words, "--name=whole")
    return folder / "whole", file, [*map(str, words), "--name=killed"]


def scores(run):
    """Of the start, of every epoch, and of the test."""
    every = lines(run, "epoch") + lines(run, "test")
    return [{k: v for k, v in line.items() if k != "seconds"} for line in every]


def test_killed_and_gone_on_with_it_has_the_same_bits(trained):
    whole, _, words = trained
    run = whole.with_name("killed")
    kill(words, run)
    ravine("train", "--resume", run, "-q")
    for name in ("weights.safetensors", "encoding.json"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    told = [scores(r) for r in (run, whole)]
    assert len(told[0]) == 5 and told[0] == told[1]


def test_evaluate_gives_the_numbers_of_the_test(trained):
    run, _, _ = trained
    answer = json.loads(ravine("evaluate", run, "--json"))
    assert answer["loss"] == pytest.approx(lines(run, "test")[-1]["loss"], rel=1e-5)


def pixels_in(folder, run):
    """[files, channels, height, width], and the answers of predict, in the same order."""
    from PIL import Image

    rows = json.loads(ravine("predict", run, folder, "--json"))["rows"]
    pixels = [np.asarray(Image.open(folder / row["file"])) for row in rows]
    return np.stack(pixels).transpose(0, 3, 1, 2), np.array([r["probabilities"] for r in rows])


def asked(session, module, run, file):
    """What onnxruntime is given, what PyTorch is given, what `ravine predict` answers."""
    if file.is_dir():
        pixels, expected = pixels_in(file, run)
        return {"pixels": pixels}, torch.tensor(pixels), expected
    if module.columns:
        return inputs(session, file), module.encode(rows_of(file)), predicted(run, file)
    return inputs(session, file), torch.tensor(pixels_of(file)), predicted(run, file)


def assert_examples_agree(session, module, run, file):
    given, x, expected = asked(session, module, run, file)
    (onnx,) = session.run(["probabilities" if module.classes else "prediction"], given)
    with torch.no_grad():
        own = module(x).double().numpy()
    unit = 1 if module.classes else module.target_deviation.item()
    for got in onnx, own:
        assert np.abs(got.reshape(expected.shape) - expected).max() <= 1e-5 * unit


def assert_texts_agree(session, module, run, file):
    """In bits per byte; and the text is gone on with."""
    part = file.with_name("part.txt")
    part.write_bytes(file.read_bytes()[: 20 * CONTEXT + 1])
    expected = json.loads(ravine("evaluate", run, part, "--json"))["bits_per_byte"]
    data = np.frombuffer(part.read_bytes(), np.uint8)
    x, y = (data[k:][: 20 * CONTEXT].reshape(20, -1) for k in (0, 1))
    forms = session.run(["probabilities"], {"bytes": x}) if session else []
    with torch.no_grad():
        own = module(torch.tensor(x)).numpy()
    for got in (*forms, own):
        shares = np.take_along_axis(got.astype(float), y[..., None].astype(int), 2)
        assert -np.log2(shares).mean() == pytest.approx(expected, rel=1e-5)
    written = file.with_name("written")
    ravine("generate", run, "--prompt", "the ", "--bytes", 50, "-o", written)
    assert written.read_bytes().startswith(b"the ") and written.stat().st_size == 54


def exported(run):
    """The model in onnxruntime; None of an lstm, which is refused."""
    path = run.with_suffix(".onnx")
    if '"name":"lstm"' in (run / "run.jsonl").open().readline():
        assert "layer lstm has no form there" in ravine("export", run, "-o", path, code=2)
        return None
    ravine("export", run, "-o", path)
    return runtime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_every_form_gives_the_same_numbers(trained):
    """`ravine predict`, the model in onnxruntime, and the module of PyTorch."""
    run, file, _ = trained
    session, module = exported(run), load_run(run)
    agree = assert_texts_agree if module.context else assert_examples_agree
    agree(session, module, run, file)
