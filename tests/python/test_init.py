# SPDX-License-Identifier: Apache-2.0
"""`ravine init`: what it understands of a table is what `ravine train` learns from."""

import json
import random
import subprocess

import pytest
from conftest import RAVINE, ROOT


def ravine(*words, code=0):
    done = subprocess.run(
        [RAVINE, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def write(path, columns, rows, delimiter=","):
    lines = [delimiter.join(columns), *(delimiter.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def rows():
    draw = random.Random(5)
    return [
        [
            k + 1,
            round(draw.gauss(0, 1), 3),
            draw.choice(["red", "green"]),
            7,
            draw.choice([1, 2, 3]),
            round(draw.gauss(50, 9), 2),
        ]
        for k in range(120)
    ]


def data_of(config):
    """What `ravine train` reads in it."""
    read = json.loads(ravine("train", config, "--print-config", "--json"))["data"]
    return {key: read[key]["value"] for key in ("task", "target", "delimiter", "file")}


COLUMNS = ["id", "length", "hue", "always", "class", "price"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("target, task", [("class", "classification"), ("price", "regression")])
def test_what_it_writes_trains(rows, tmp_path, delimiter, target, task):
    table = write(tmp_path / "t.csv", COLUMNS, rows, delimiter)
    config = tmp_path / "t.yaml"
    ravine("init", table, "--target", target, "-o", config)
    data = data_of(config)
    assert data == {"task": task, "target": target, "delimiter": delimiter, "file": str(table)}
    settings = ["--set=epochs=1", f"--set=runs_dir={tmp_path}", "--set=name=first", "--quiet"]
    ravine("train", config, *settings)
    told = json.loads(ravine("evaluate", tmp_path / "first", "--json"))
    assert told["examples"] == 24 and ("accuracy" in told) == (task == "classification")


def test_what_it_says_of_each_column(rows, tmp_path):
    text = ravine("init", write(tmp_path / "t.csv", COLUMNS, rows), "--target", "class")
    about = {line.split()[1]: line for line in text.splitlines() if line.startswith("#   ")}
    assert list(about) == COLUMNS
    assert "1 to 120: they count the rows; an ID?" in about["id"]
    assert "2 words: " in about["hue"] and "red (" in about["hue"]
    assert "it never varies" in about["always"]
    assert "3 words: " in about["class"] and about["class"].endswith("<- to predict")


def test_words_that_nearly_all_differ_look_like_an_id(tmp_path):
    rows = [[f"name {k}", k % 2] for k in range(40)]
    text = ravine("init", write(tmp_path / "t.csv", ["who", "y"], rows), "--target", "y")
    assert "40 words" in text and "nearly all differ: an ID?" in text


def test_names_that_yaml_would_misread(tmp_path):
    table = write(tmp_path / "t: #1.csv", ["yes", "- a: b"], [[k, k % 3] for k in range(30)])
    config = tmp_path / "t.yaml"
    ravine("init", table, "--target", "- a: b", "-o", config)
    assert data_of(config)["target"] == "- a: b" and data_of(config)["file"] == str(table)


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["init"], 2, "init needs a table"),
        (["init", "{table}"], 2, "init needs --target: the column to predict, one of id, length"),
        (["init", "{table}", "--target", "prize"], 2, "the nearest is price"),
        (["init", "{table}.not", "--target", "price"], 3, "No such file"),
        (["init", "{broken}", "--target", "price"], 3, "line 9, column 'length': '?' is not a"),
        (["init", "{hole}", "--target", "price"], 3, "line 4, column 'hue': the field is empty"),
    ],
)
def test_what_it_refuses(rows, tmp_path, words, code, message):
    table = write(tmp_path / "t.csv", COLUMNS, rows)
    broken = [list(row) for row in rows]
    broken[7][1] = "?"
    hole = [list(row) for row in rows]
    hole[2][2] = ""
    paths = {
        "table": table,
        "broken": write(tmp_path / "broken.csv", COLUMNS, broken),
        "hole": write(tmp_path / "hole.csv", COLUMNS, hole),
    }
    told = ravine(*(word.format(**paths) for word in words), code=code)
    assert message in told and told.count("\n") == 1
