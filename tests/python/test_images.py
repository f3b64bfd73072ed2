# SPDX-License-Identifier: Apache-2.0
"""Folders of PNG and JPEG files: learned from, evaluated, predicted from, and what is refused."""

import csv
import io
import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from conftest import ROOT
from schema import assert_conforms
from test_tables import ravine, run
from trained import png

CLIPART = Path("/usr/share/openclipart/png")
COLOURS = {"blue": (30, 40, 200), "green": (20, 180, 60), "red": (210, 50, 30)}


def pixels_of(colour, seed):
    """A square of the colour's kind with texture; sides differ from image to image."""
    draw = np.random.default_rng(seed)
    height, width = draw.integers(9, 30, 2)
    noise = draw.integers(-60, 60, (height, width, 3))
    return np.clip(np.array(COLOURS[colour]) + noise, 0, 255)


def write(folder, each, first=0):
    for k, colour in enumerate(COLOURS):
        for i in range(each):
            place = folder / colour / ("more" if i % 3 == 0 else "")
            place.mkdir(parents=True, exist_ok=True)
            png(place / f"{i}.png", pixels_of(colour, first + 1000 * k + i))
    return folder


def train(folder, *settings, name="t", size=8):
    data = ["data.format=folder", f"data.folder={folder}", f"data.image_size={size}"]
    usual = ["model.widths=[16]", "epochs=4", "batch_size=16", f"name={name}", *settings]
    return run("train", *(f"--set={s}" for s in [*data, *usual]), cwd=folder.parent)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("images") / "colours", 40)
    (folder / "red" / "notes.txt").write_text("not an image\n")
    done = train(folder)
    assert done.returncode == 0, done.stderr
    return folder, folder.parent / "runs/t", done.stdout


def lines_of(run_folder, kind):
    lines = [json.loads(line) for line in (run_folder / "run.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("type") == kind]


def last_test(run_folder):
    return lines_of(run_folder, "test")[-1]


def test_what_is_understood_is_told(learned):
    folder, run_folder, told = learned
    assert told.startswith(
        f"{folder}: 120 images of 3 classes: blue (40), green (40), red (40)\n"
        "  each as 8 x 8 pixels, in colour\n"
        f"  left out: 1 that is neither PNG nor JPEG by name: {folder}/red/notes.txt\n"
    )
    encoding = json.loads((run_folder / "encoding.json").read_text())
    assert encoding["shape"] == [3, 8, 8] and encoding["target"]["words"] == sorted(COLOURS)
    assert last_test(run_folder)["accuracy"] > 0.9


def test_the_kept_part_scores_as_training_said(learned):
    folder, run_folder, _ = learned
    told = json.loads(ravine("evaluate", run_folder, "--json", cwd=folder))
    assert told["accuracy"] == last_test(run_folder)["accuracy"] and told["examples"] == 24


def test_a_share_is_for_the_validation_and_in_no_mean(learned):
    """24 of 120 are for the test, and a tenth of 96 for the validation."""
    folder, run_folder, told = learned
    assert "86 examples to train on, 10 to validate, 24 to test" in told
    assert all("accuracy" in e["validation"] for e in lines_of(run_folder, "epoch"))
    assert train(folder, "data.validation_share=0", name="all").returncode == 0
    means = [json.loads((r / "encoding.json").read_text())["mean"]
             for r in (run_folder, run_folder.parent / "all")]  # fmt: skip
    assert means[0] != means[1]
    assert lines_of(run_folder.parent / "all", "test")[0]["accuracy"] > 0.9


def test_a_class_of_which_no_image_is_left_is_named(tmp_path):
    folder = write(tmp_path / "colours", 2)
    shutil.rmtree(folder / "red" / "more")
    shutil.rmtree(folder / "green" / "more")
    told = [
        train(folder, "data.test_share=0.25", f"seed={seed}", name=f"s{seed}").stderr
        for seed in range(1, 9)
    ]
    assert any("none of its images is left to train on" in text for text in told)


def area_mean(pixels, size):
    """From the definition, in exact integers."""
    height, width, _ = pixels.shape
    weights = []
    for side in (height, width):
        w = np.zeros((size, side), np.int64)
        for k in range(size):
            for i in range(side):
                w[k, i] = max(0, min((i + 1) * size, (k + 1) * side) - max(i * size, k * side))
        weights.append(w)
    total = np.einsum("ai,bj,ijc->cab", *weights, pixels.astype(np.int64))
    return (2 * total + height * width) // (2 * height * width)


def test_later_images_are_what_the_encoding_says(learned, tmp_path):
    """The net once more in NumPy, from weights and encoding.json alone; its layers read [height,
    width, channels]."""
    _, run_folder, _ = learned
    encoding = json.loads((run_folder / "encoding.json").read_text())
    weights = safetensors.numpy.load_file(run_folder / "weights.safetensors")
    names = [name for name in weights if name.endswith("weight")]
    images = [pixels_of(colour, 77 + k) for k, colour in enumerate(COLOURS)]
    new = tmp_path / "new"
    new.mkdir()
    for k, image in enumerate(images):
        png(new / f"{k}.png", image)
    z = np.stack([area_mean(i, 8).transpose(1, 2, 0).ravel() for i in images]) / 255
    z = (z - encoding["mean"]) / encoding["deviation"]
    for k, name in enumerate(names):
        z = z @ weights[name].astype(float).T + weights[name.replace("weight", "bias")]
        z = np.maximum(z, 0) if k + 1 < len(names) else z
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    told = json.loads(ravine("predict", run_folder, new, "--json", cwd=tmp_path))
    assert_conforms(told, "predict")
    assert [row["file"] for row in told["rows"]] == [str(new / f"{k}.png") for k in range(3)]
    got = np.array([row["probabilities"] for row in told["rows"]])
    assert got == pytest.approx(expected, abs=1e-5)
    one = ravine("predict", run_folder, new / "1.png", cwd=tmp_path)
    line = next(csv.DictReader(io.StringIO(one)))
    assert line["file"] == str(new / "1.png") and line["prediction"] == "green"


def test_a_folder_of_classes_is_evaluated(learned, tmp_path):
    _, run_folder, _ = learned
    held = write(tmp_path / "held", 10, first=500)
    shutil.rmtree(held / "blue")  # the labels are those of the run, not of this folder
    told = json.loads(ravine("evaluate", run_folder, held, "--json", cwd=tmp_path))
    assert told["examples"] == 20 and told["accuracy"] > 0.9
    assert [c["examples"] for c in told["classes"]] == [0, 10, 10]
    (held / "green").rename(held / "gren")
    done = run("evaluate", run_folder, held, cwd=tmp_path)
    assert done.returncode == 3
    assert "gren: is the folder of no class that the run has learned; the nearest is green" in (
        done.stderr
    )
    image = next((held / "red").glob("*.png"))
    assert "is one image" in run("evaluate", run_folder, image, cwd=tmp_path).stderr


def test_a_folder_that_changed_is_no_test_part(learned, tmp_path):
    folder = write(tmp_path / "colours", 10)
    assert train(folder).returncode == 0
    ravine("evaluate", "runs/t", cwd=tmp_path)
    moved = folder / "red" / "1.png"
    moved.rename(folder / "red" / "11.png")
    assert "is not what the run in" in run("evaluate", "runs/t", cwd=tmp_path).stderr


def test_images_of_idx_runs_may_be_files(learned, tmp_path):
    """A run of grey images is asked about a colour one: it is made grey."""
    folder, _, _ = learned
    assert train(folder, "data.color=grey", name="grey").returncode == 0
    run_folder = folder.parent / "runs/grey"
    assert json.loads((run_folder / "encoding.json").read_text())["shape"] == [1, 8, 8]
    new = png(tmp_path / "a.PNG", pixels_of("red", 3))
    assert ravine("predict", run_folder, new, cwd=tmp_path).count("\n") == 2


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet"])
def test_moved_images_go_on_to_the_same_bits(learned, tmp_path, name):
    """A training that was stopped between two steps of an epoch ends with the weights of one that
    was not."""
    folder, _, _ = learned
    moved = ["data.flip=true", "data.shift=2", f"model.name={name}", "checkpoint.steps=4"]
    for run_name, more in (("whole", []), ("part", ["checkpoint.keep=100"]), ("still", [])):
        settings = moved if run_name != "still" else moved[2:]
        done = train(folder, *settings, f"runs_dir={tmp_path}", *more, name=run_name)
        assert done.returncode == 0, done.stderr
    weights = {k: (tmp_path / k / "weights.safetensors").read_bytes() for k in ("whole", "still")}
    assert weights["whole"] != weights["still"]  # it is moved
    saved = sorted((tmp_path / "part/checkpoints").glob("*.safetensors"))
    assert len(saved) > 6
    for later in saved[3:]:  # of step 12, within the second epoch
        later.unlink()
    ravine("train", "--resume", tmp_path / "part", "-q", cwd=folder.parent)
    assert (tmp_path / "part/weights.safetensors").read_bytes() == weights["whole"]


def spoil(path, how):
    data = path.read_bytes()
    path.write_bytes(how(data))


@pytest.mark.parametrize(
    "change, code, part",
    [
        (
            lambda f: spoil(f / "red/1.png", lambda b: b[:-30]),
            3,
            "red/1.png: is no whole PNG image",
        ),
        (lambda f: spoil(f / "red/1.png", lambda b: b""), 3, "red/1.png: the file is empty"),
        (lambda f: spoil(f / "red/1.png", lambda b: b"GIF89a" + b), 3, "neither PNG nor JPEG, but"),
        (
            lambda f: spoil(
                f / "red/1.png",
                lambda b: (
                    b[:16]
                    + struct.pack(">II", 30000, 40000)
                    + b[24:29]
                    + struct.pack(
                        ">I", zlib.crc32(b[12:16] + struct.pack(">II", 30000, 40000) + b[24:29])
                    )
                    + b[33:]
                ),
            ),
            3,
            "red/1.png: is ",
        ),
        (lambda f: png(f / "beside.png", pixels_of("red", 1)), 3, "lies beside the folders of the"),
        (lambda f: (f / "empty").mkdir(), 3, "colours/empty: has no PNG or JPEG file"),
        (lambda f: [shutil.rmtree(f / c) for c in ("red", "blue")], 3, "has 1 folders; each class"),
        (shutil.rmtree, 3, "colours: No such file"),
    ],
)
def test_what_is_refused(tmp_path, change, code, part):
    folder = write(tmp_path / "colours", 4)
    change(folder)
    done = train(folder)
    assert done.returncode == code and done.stderr.count("\n") == 1, done.stderr
    assert part in done.stderr and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "settings, part",
    [
        (["data.classes=[red, bleu]"], "has no folder 'bleu' (data.classes); the nearest is blue"),
        (["data.task=regression"], "idx, folder and text hold classes"),
        (["data.format=csv", "data.file=t.csv", "data.target=y", "data.flip=true"], "move images"),
        (["data.image_size=0"], "data.image_size is 0; it must be a whole number in [1, 1024]"),
    ],
)
def test_settings_that_are_refused(tmp_path, settings, part):
    done = train(write(tmp_path / "colours", 4), *settings)
    assert done.returncode == 2 and part in done.stderr


@pytest.mark.skipif(not CLIPART.exists(), reason="Debian's openclipart-png is not installed")
def test_the_example(tmp_path):
    ravine("train", "examples/clipart_resnet.yaml", f"--set=runs_dir={tmp_path}", "-q", cwd=ROOT)
    assert last_test(tmp_path / "clipart_resnet")["accuracy"] > 0.65
