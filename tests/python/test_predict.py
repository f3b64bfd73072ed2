# SPDX-License-Identifier: Apache-2.0
"""`ravine predict` and `ravine evaluate`: a run folder is a model.

The nets are run once more in PyTorch, from weights.safetensors and encoding.json alone.
"""

import csv
import io
import json
import math
import random
import shutil
import subprocess

import numpy as np
import pytest
import safetensors.numpy
from conftest import RAVINE, ROOT
from schema import assert_conforms
from trained import pictures, ravine, train

CLASSES = ["setosa", "versi, color", "virginica"]


def write(path, columns, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def flowers(seed, count):
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        k = draw.randrange(3)
        length, width = draw.gauss(2 * k, 0.8), draw.gauss(-k, 0.7)
        hue = draw.choice(["red", "green", "blue"])
        rows.append({"length": length, "width": width, "hue": hue, "species": CLASSES[k]})
    return rows


def table(path, rows, columns):
    return write(path, columns, [[row[c] for c in columns] for row in rows])


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A run that has learned classes from numbers and words."""
    folder = tmp_path_factory.mktemp("words")
    columns = ["length", "width", "hue", "species"]
    data = table(folder / "flowers.csv", flowers(1, 400), columns)
    return train(
        folder,
        "flowers",
        data__format="csv",
        data__file=data,
        data__target="species",
        model__widths="[16]",
        epochs=15,
        batch_size=32,
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    paths = pictures(folder, classes=4, shape=(8, 8), counts=(200, 40), packed=True)
    run = train(
        folder,
        "bars",
        model__name="cnn",
        model__widths="[4]",
        model__norm="batch",
        epochs=4,
        batch_size=20,
        **paths,
    )
    return run, paths


def encoding_of(run):
    return json.loads((run / "encoding.json").read_text())


def inputs_of(encoding, rows):
    """What the net is given, from encoding.json alone."""
    examples = []
    for row in rows:
        x = []
        for column in encoding["columns"]:
            value = row[column["name"]]
            if "words" in column:
                x += [float(word == value) for word in column["words"]]
            else:
                x.append((float(value) - column["mean"]) / column["deviation"])
        examples.append(x)
    return np.array(examples)


def outputs_of(run, x):
    """A net of one hidden layer of ReLUs, in float64."""
    weights = safetensors.numpy.load_file(run / "weights.safetensors")
    names = [name for name in weights if name.endswith("weight")]
    assert len(names) == 2
    z = x
    for k, name in enumerate(names):
        w, b = weights[name], weights[name.replace("weight", "bias")]
        z = z @ w.astype(np.float64).T + b
        z = np.maximum(z, 0) if k == 0 else z
    return z


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def last_test(run):
    lines = [json.loads(line) for line in (run / "run.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("type") == "test"][-1]


def test_probabilities_are_those_of_the_net(words, tmp_path):
    rows = flowers(2, 50)
    # Columns in another order, without the target.
    new = table(tmp_path / "new.csv", rows, ["hue", "length", "width"])
    expected = softmax(outputs_of(words, inputs_of(encoding_of(words), rows)))
    printed = list(csv.DictReader(io.StringIO(ravine("predict", words, new))))
    classes = encoding_of(words)["target"]["words"]
    assert sorted(classes) == sorted(CLASSES)
    assert [int(line["row"]) for line in printed] == list(range(1, 51))
    for line, p in zip(printed, expected, strict=True):
        assert [float(line[name]) for name in classes] == pytest.approx(p, abs=2e-6)
        assert line["prediction"] == classes[p.argmax()]
    told = json.loads(ravine("predict", words, new, "--json"))
    assert_conforms(told, "predict")
    assert told["target"] == "species" and told["classes"] == classes
    got = np.array([row["probabilities"] for row in told["rows"]])
    assert got == pytest.approx(expected, abs=1e-6)


def test_the_target_is_left_aside_and_stdin_is_a_file(words, tmp_path):
    rows = flowers(3, 5)
    columns = ["length", "width", "hue"]
    without = table(tmp_path / "a.csv", rows, columns)
    with_it = table(tmp_path / "b.csv", rows, ["species", *columns])
    expected = ravine("predict", words, without)
    assert ravine("predict", words, with_it) == expected
    assert ravine("predict", words, "/dev/stdin", stdin=without.read_text()) == expected
    ravine("predict", words, without, "-o", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == expected


def test_the_kept_test_part_scores_as_training_said(words, images, run_folder):
    for run in (words, images[0]):
        told, said = json.loads(ravine("evaluate", run, "--json")), last_test(run)
        assert_conforms(told, "evaluate")
        assert told["accuracy"] == said["accuracy"]
        assert told["loss"] == pytest.approx(said["loss"], rel=1e-6)
    told, said = json.loads(ravine("evaluate", run_folder, "--json")), last_test(run_folder)
    assert_conforms(told, "evaluate")
    assert math.sqrt(told["loss"]) == pytest.approx(said["rmse"], rel=1e-6)


def test_scores_of_classes(words, tmp_path):
    rows = flowers(4, 300)
    file = table(tmp_path / "held.csv", rows, ["species", "hue", "width", "length"])
    told = json.loads(ravine("evaluate", words, file, "--json"))
    p = softmax(outputs_of(words, inputs_of(encoding_of(words), rows)))
    classes = encoding_of(words)["target"]["words"]
    is_, called = np.array([classes.index(row["species"]) for row in rows]), p.argmax(axis=1)
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (is_, called), 1)
    assert told["confusion"] == confusion.tolist() and told["examples"] == 300
    assert told["accuracy"] == pytest.approx((is_ == called).mean())
    assert told["loss"] == pytest.approx(-np.log(p[range(300), is_]).mean(), rel=1e-5)
    top = p.max(axis=1)
    bins = np.minimum((10 * top).astype(int), 9)
    error = sum(abs(top[bins == b].sum() - (is_ == called)[bins == b].sum()) for b in range(10))
    assert told["calibration_error"] == pytest.approx(error / 300, abs=1e-5)
    for k, one in enumerate(told["classes"]):
        assert one["class"] == classes[k]
        assert one["precision"] == pytest.approx(confusion[k, k] / confusion[:, k].sum())
        assert one["recall"] == pytest.approx(confusion[k, k] / confusion[k].sum())
    text = ravine("evaluate", words, file)
    assert f"accuracy             {told['accuracy']:.4f}" in text and "is \\ is called" in text


def test_values_are_in_the_units_of_the_target(run_folder):
    data = ROOT / "examples/data/energy.csv"
    rows = list(csv.DictReader(data.open()))
    encoding = encoding_of(run_folder)
    target = encoding["target"]
    z = outputs_of(run_folder, inputs_of(encoding, rows))[:, 0]
    expected = target["mean"] + target["deviation"] * z
    printed = list(csv.DictReader(io.StringIO(ravine("predict", run_folder, data))))
    got = np.array([float(line["prediction"]) for line in printed])
    assert got == pytest.approx(expected, abs=2e-6 * target["deviation"])
    told = json.loads(ravine("evaluate", run_folder, data, "--json"))
    y = np.array([float(row["kwh"]) for row in rows])
    assert told["rmse"] == pytest.approx(math.sqrt(((expected - y) ** 2).mean()), rel=1e-4)
    assert told["mae"] == pytest.approx(abs(expected - y).mean(), rel=1e-4)
    r2 = 1 - ((expected - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert told["r2"] == pytest.approx(r2, abs=1e-4)


def test_images(images):
    run, paths = images
    file, labels = paths["data__test_images"], paths["data__test_labels"]
    told = json.loads(ravine("evaluate", run, file, labels, "--json"))
    assert told["accuracy"] == last_test(run)["accuracy"]
    lines = ravine("predict", run, file).splitlines()
    assert len(lines) == 41 and lines[0] == "row,prediction,0,1,2,3"
    assert "second file" in ravine("evaluate", run, file, code=2)
    assert "images are 1 x 8 x 8" not in ravine("predict", run, file)


def test_averaged_weights(tmp_path, words):
    data = words.parent / "flowers.csv"
    common = {"data__format": "csv", "data__file": data, "data__target": "species"}
    run = train(tmp_path, "ema", ema=0.9, model__widths="[16]", epochs=3, **common)
    told = json.loads(ravine("evaluate", run, "--averaged", "--json"))
    assert told["accuracy"] == last_test(run)["averaged"]["accuracy"]
    assert "no averaged weights" in ravine("evaluate", words, "--averaged", code=3)


@pytest.mark.parametrize(
    "columns, change, message",
    [
        (["length", "hue"], {}, "no column is named 'width', and the run has learned from it"),
        (["length", "width2", "hue"], {"width2": 1}, "the nearest is width2"),
        (["id", "length", "width", "hue"], {"id": 7}, "column 'id' is new"),
        (["length", "width", "hue"], {"hue": "mauve"}, "line 2, column 'hue': 'mauve' is none"),
        (["length", "width", "hue"], {"width": "?"}, "line 2, column 'width': '?' is not a number"),
        (["length", "width", "hue"], {"width": ""}, "line 2, column 'width': '' is not a number"),
        (["length", "width", "hue"], {"width": "nan"}, "cannot be used"),
        (["length", "width", "hue"], {"width": "1e99"}, "further from the mean"),
    ],
)
def test_tables_that_do_not_fit(words, tmp_path, columns, change, message):
    rows = [row | change for row in flowers(5, 3)]
    told = ravine("predict", words, table(tmp_path / "new.csv", rows, columns), code=3)
    assert message in told and "new.csv" in told


def test_a_table_split_otherwise(words, tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("length;width;hue\n1;2;red\n")
    assert "split by ';'" in ravine("predict", words, file, code=3)


def test_a_file_that_was_learned_from_is_said(words):
    data = words.parent / "flowers.csv"
    done = subprocess.run(
        [RAVINE, "evaluate", words, data], capture_output=True, text=True, timeout=60, check=True
    )
    assert "has learned from most of it" in done.stderr


def test_data_that_changed_is_no_test_part(tmp_path):
    columns = ["length", "width", "hue", "species"]
    data = table(tmp_path / "flowers.csv", flowers(1, 60), columns)
    common = {"data__format": "csv", "data__file": data, "data__target": "species"}
    run = train(tmp_path, "short", model__widths="[4]", epochs=1, **common)
    table(data, flowers(2, 60), columns)
    assert "is not what the run in" in ravine("evaluate", run, code=3)


def test_a_table_that_is_not_utf8_is_learned_from(tmp_path):
    data = tmp_path / "latin.csv"
    lines = [f"{k % 7},{'ja' if k % 2 else 'nein'}" for k in range(40)]
    data.write_bytes(("grö\xdfe,antwort\n" + "\n".join(lines) + "\n").encode("latin1"))
    common = {"data__format": "csv", "data__file": data, "data__target": "antwort"}
    run = train(tmp_path, "latin", model__widths="[4]", epochs=1, **common)
    assert "iconv" in ravine("predict", run, data, code=3)


def without(encoding, *keys):
    return {key: value for key, value in encoding.items() if key not in keys}


HOSTILE = {
    "nothing": lambda e: "",
    "no JSON": lambda e: "{",
    "a list": lambda e: "[]",
    "another format": lambda e: e | {"format": 3},
    "another policy": lambda e: e | {"missing": "mode"},
    "markers that are none": lambda e: e | {"missing": "mean", "missing_markers": [1]},
    "a list that is none": lambda e: e | {"ignored": "hue"},
    "another form": lambda e: e | {"columns": [e["columns"][0] | {"form": "roman"}]},
    "a form that is no word": lambda e: e | {"columns": [e["columns"][0] | {"form": 9}]},
    "a far fill": lambda e: e | {"columns": [e["columns"][0] | {"fill": 1e99}]},
    "another kind": lambda e: e | {"kind": "sound"},
    "no kind": lambda e: without(e, "kind"),
    "no columns": lambda e: without(e, "columns"),
    "empty columns": lambda e: e | {"columns": []},
    "columns that are none": lambda e: e | {"columns": [1, 2]},
    "a column fewer": lambda e: e | {"columns": e["columns"][:-1]},
    "too many columns": lambda e: e | {"columns": e["columns"] * 5000},
    "a column without a name": lambda e: e | {"columns": [without(e["columns"][0], "name")]},
    "a column without a mean": lambda e: e | {"columns": [without(e["columns"][0], "mean")]},
    "a negative deviation": lambda e: e | {"columns": [e["columns"][0] | {"deviation": -1}]},
    "an infinite mean": lambda e: json.dumps(e).replace('"mean": ', '"mean": 1e999, "x": ', 1),
    "no words": lambda e: e | {"columns": [{"name": "hue", "words": []}]},
    "too many words": lambda e: e | {"columns": [{"name": "h", "words": ["w"] * 1001}]},
    "words that are none": lambda e: e | {"columns": [{"name": "hue", "words": [1]}]},
    "no target": lambda e: without(e, "target"),
    "one class": lambda e: e | {"target": {"name": "species", "words": ["one"]}},
    "a class more": lambda e: e | {"target": {"name": "species", "words": [*CLASSES, "more"]}},
    "no delimiter": lambda e: without(e, "delimiter"),
    "a long delimiter": lambda e: e | {"delimiter": ",,"},
    "a quote for a delimiter": lambda e: e | {"delimiter": '"'},
    "images without a shape": lambda e: e | {"kind": "images", "mean": 0, "deviation": 1},
    "huge images": lambda e: (
        e | {"kind": "images", "mean": 0, "deviation": 1, "shape": [65536, 65536, 65536]}
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_run_folders(words, tmp_path, case):
    new = table(tmp_path / "new.csv", flowers(6, 3), ["length", "width", "hue"])
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run.jsonl", "weights.safetensors"):
        (run / name).write_bytes((words / name).read_bytes())
    forged = HOSTILE[case](encoding_of(words))
    text = forged if isinstance(forged, str) else json.dumps(forged)
    (run / "encoding.json").write_text(text)
    told = ravine("predict", run, new, code=2 if case == "huge images" else 3)
    assert told.count("\n") == 1 and told.startswith("ravine: ")


def test_what_is_missing_is_named(words, tmp_path):
    new = table(tmp_path / "new.csv", flowers(6, 3), ["length", "width", "hue"])
    for missing in ("run.jsonl", "weights.safetensors", "encoding.json"):
        run = tmp_path / missing / "run"
        run.mkdir(parents=True)
        for name in ("run.jsonl", "weights.safetensors", "encoding.json"):
            if name != missing:
                (run / name).write_bytes((words / name).read_bytes())
        told = ravine("predict", run, new, code=3)
        assert missing in told
        assert ("a run writes it when it ends" in told) == (missing == "weights.safetensors")
    nowhere = tmp_path / "nowhere"
    assert f"{nowhere}: no folder of a run is there" in ravine("predict", nowhere, new, code=3)
    assert f"{new}: no folder of a run is there" in ravine("evaluate", new, code=3)
    assert "folder of a run and a file" in ravine("predict", words, code=2)
    assert "folder of a run" in ravine("evaluate", code=2)


@pytest.mark.parametrize(
    "file, damage, message",
    [
        ("weights.safetensors", lambda b: b[:-40], "weights.safetensors"),
        ("weights.safetensors", lambda b: b.replace(b"[16,", b"[61,"), "their checksum is"),
        ("weights.safetensors", None, "weights.safetensors"),
        ("encoding.json", None, "encoding.json"),
        ("encoding.json", lambda b: b.replace(b'"length"', b'"/x"', 1), "is called '/x'"),
        ("encoding.json", lambda b: b.replace(b'"green",', b"", 1), "has not the shape"),
        ("run.jsonl", lambda b: b[:300], "run.jsonl"),
        ("run.jsonl", lambda b: b.replace(b'"widths":[16]', b'"widths":[0]'), "model.widths"),
    ],
)
def test_a_damaged_folder_is_not_exported(words, tmp_path, file, damage, message):
    folder = shutil.copytree(words, tmp_path / "run")
    before = (folder / file).read_bytes()
    if damage:
        assert damage(before) != before
        (folder / file).write_bytes(damage(before))
    else:
        (folder / file).unlink()
    done = subprocess.run(
        [RAVINE, "export", folder, "-o", tmp_path / "model.onnx"], capture_output=True, text=True
    )
    assert done.returncode in (2, 3) and message in done.stderr
    assert not (tmp_path / "model.onnx").exists()
