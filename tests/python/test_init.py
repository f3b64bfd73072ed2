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
    assert '\n  ignored_columns: ["id"]\n' in text
    assert "2 words: " in about["hue"] and "red (" in about["hue"]
    assert "it never varies" in about["always"]
    assert "3 classes: " in about["class"] and about["class"].endswith("<- to predict")


def test_words_that_all_differ_look_like_an_id(tmp_path):
    rows = [[f"name {k}", f"town {k % 30}", k % 2] for k in range(40)]
    text = ravine("init", write(tmp_path / "t.csv", ["who", "where", "y"], rows), "--target", "y")
    assert "40 words" in text and "every row has another; an ID?" in text
    assert "30 words" in text and "nearly all differ: an ID?" in text
    assert 'ignored_columns: ["who"]' in text  # the other may be worth it


def test_what_is_missing_becomes_the_mean(rows, tmp_path):
    rows[7][1] = "?"
    rows[2][2] = ""
    table, config = write(tmp_path / "t.csv", COLUMNS, rows), tmp_path / "t.yaml"
    ravine("init", table, "--target", "price", "-o", config)
    text = config.read_text()
    assert "\n  missing: mean " in text and '\n  missing_markers: ["?"]\n' in text
    assert text.count("missing in 1 row\n") == 2
    settings = ["--set=epochs=1", f"--set=runs_dir={tmp_path}"]
    told = ravine("train", config, *settings)
    assert "2 columns with missing values: 'length' (1), 'hue' (1)" in told


def test_what_was_said_is_kept(rows, tmp_path):
    for k, row in enumerate(rows):
        row[0] = f"{k % 12 + 1}/{k % 28 + 1}/2024"
    table, config = write(tmp_path / "t.csv", COLUMNS, rows), tmp_path / "t.yaml"
    told = ravine("init", table, "--target", "price", code=3)
    assert "'1/1/2024' is a date" in told and "data.dates: mdy (the month first)" in told
    said = ["--set=data.dates=mdy", "--set=data.word_columns=[class]"]
    ravine("init", table, "--target", "price", *said, "-o", config)
    assert "dates, over" in config.read_text()
    read = json.loads(ravine("train", config, "--print-config", "--json"))["data"]
    assert read["dates"]["value"] == "mdy" and read["word_columns"]["value"] == ["class"]


def test_names_that_yaml_would_misread(tmp_path):
    table = write(tmp_path / "t: #1.csv", ["yes", "- a: b"], [[k, k % 3] for k in range(30)])
    config = tmp_path / "t.yaml"
    ravine("init", table, "--target", "- a: b", "-o", config)
    assert data_of(config)["target"] == "- a: b" and data_of(config)["file"] == str(table)
    read = json.loads(ravine("train", config, "--print-config", "--json"))
    assert read["name"]["value"] == "t: #1"


def test_a_table_in_place_of_a_configuration_is_told_as_such(rows, tmp_path):
    table = write(tmp_path / "t.csv", COLUMNS, rows)
    told = ravine("train", table, code=2)
    assert f"{table} is a table, not a configuration; ravine init {table} --target" in told


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["init"], 2, "init needs a table"),
        (["init", "{table}"], 2, "init needs --target: the column to predict, one of id, length"),
        (["init", "{table}", "--target", "prize"], 2, "the nearest is price"),
        (["init", "{table}.not", "--target", "price"], 3, "No such file"),
        (["init", "{broken}", "--target", "price"], 3, "line 9, column 'length': 'much' is not a"),
        (["init", "{hole}", "--target", "hue"], 3, "line 4, column 'hue': the field is empty"),
    ],
)
def test_what_it_refuses(rows, tmp_path, words, code, message):
    table = write(tmp_path / "t.csv", COLUMNS, rows)
    broken = [list(row) for row in rows]
    broken[7][1] = "much"
    hole = [list(row) for row in rows]
    hole[2][2] = ""
    paths = {
        "table": table,
        "broken": write(tmp_path / "broken.csv", COLUMNS, broken),
        "hole": write(tmp_path / "hole.csv", COLUMNS, hole),
    }
    told = ravine(*(word.format(**paths) for word in words), code=code)
    assert message in told and told.count("\n") == 1
