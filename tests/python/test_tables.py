# SPDX-License-Identifier: Apache-2.0
"""The way of somebody who comes with a table: init, train, evaluate, predict; and what is said of
each mistake that beginners make."""

import csv
import gzip
import io
import json
import math
import random
import subprocess
from dataclasses import dataclass

import pytest
from conftest import RAVINE, ROOT

try:
    from sklearn import datasets
except ImportError:
    datasets = None


def run(*words, cwd):
    return subprocess.run(
        [RAVINE, *map(str, words)], capture_output=True, text=True, timeout=300, cwd=cwd
    )


def ravine(*words, cwd):
    done = run(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Known:
    """A table that beginners begin with, and how good a small net is on a fifth of it."""

    rows: int
    inputs: int
    classes: int  # 0: a quantity
    least: float  # accuracy, or R2


KNOWN = {
    "wine": Known(178, 13, 3, 0.9),
    "breast_cancer": Known(569, 30, 2, 0.93),
    "diabetes": Known(442, 10, 0, 0.25),
    "digits": Known(1797, 64, 10, 0.93),
}


def drawn(known):
    """A table of the same form, for where scikit-learn is not there."""
    draw = random.Random(known.rows)
    kinds = known.classes or 1
    centre = [[draw.gauss(0, 1) for _ in range(known.inputs)] for _ in range(kinds)]
    for k in range(known.rows):
        kind = draw.randrange(kinds)
        x = [c + draw.gauss(0, 0.8) for c in centre[kind]]
        y = kind if known.classes else 150 + 30 * x[0] - 20 * x[1] + draw.gauss(0, 40)
        yield [*(round(value, 4) for value in x), y if known.classes else round(y, 1)], k


def rows_of(name):
    known = KNOWN[name]
    if datasets is None:
        return [row for row, _ in drawn(known)]
    data = getattr(datasets, f"load_{name}")()
    return [[*map(float, x), float(y)] for x, y in zip(data.data, data.target, strict=True)]


def write(path, columns, rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt") as file:
        file.write(text.getvalue())
    return path


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
@pytest.mark.parametrize("name", KNOWN)
def test_the_way(tmp_path, name, suffix):
    known, rows = KNOWN[name], rows_of(name)
    columns = [f"x{k}" for k in range(known.inputs)]
    assert len(rows) == known.rows and len(rows[0]) == known.inputs + 1
    table = write(tmp_path / f"{name}.{suffix}", [*columns, "target"], rows)
    ravine("init", table.name, "--target", "target", "-o", "t.yaml", cwd=tmp_path)
    # The least scores are those of all rows but the test's, without a choice of weights.
    told = ravine("train", "t.yaml", "--name=t", "--set=data.validation_share=0", cwd=tmp_path)
    assert told.startswith(f"{table.name}: {known.rows} rows\n  target 'target': ")
    assert f"\n  {known.inputs} columns of numbers, standardised\n" in told
    assert (f"{known.classes} classes: " if known.classes else "numbers from ") in told

    score = json.loads(ravine("evaluate", "runs/t", "--json", cwd=tmp_path))
    assert score["accuracy" if known.classes else "r2"] >= known.least
    new = write(tmp_path / f"new.{suffix}", columns, [row[:-1] for row in rows[:20]])
    lines = list(csv.DictReader(io.StringIO(ravine("predict", "runs/t", new, cwd=tmp_path))))
    right = [
        math.isclose(float(line["prediction"]), row[-1])
        for line, row in zip(lines, rows[:20], strict=True)
    ]
    assert len(lines) == 20 and (not known.classes or sum(right) >= 16)


# ---- mistakes ------------------------------------------------------------------------------------


def flowers(count=60):
    draw = random.Random(7)
    return [
        [round(draw.gauss(k % 3, 0.4), 2), round(draw.gauss(-k, 9), 2), "abc"[k % 3]]
        for k in range(count)
    ]


COLUMNS = ["length", "width", "kind"]


def with_cell(row, column, text):
    rows = flowers()
    rows[row][column] = text
    return rows


MISTAKES = {
    "a word among numbers": (
        with_cell(5, 0, "?"),
        "t.csv, line 7, column 'length': '?' is not a number, and 59 of the column's 60 fields are",
        'data.missing_markers: ["?"] and data.missing: mean',
        'data.word_columns: ["length"]',
    ),
    "an empty field": (
        with_cell(5, 1, ""),
        "line 7, column 'width': the field is empty; fill it in, or say what a missing value "
        "becomes: data.missing: mean (or median, indicator)",
    ),
    "a row without its target": (
        with_cell(5, 2, ""),
        "line 7, column 'kind': the field is empty; what is to be predicted must be there",
    ),
    "nan": (
        with_cell(5, 0, "NaN"),
        "line 7, column 'length': 'NaN' cannot be used",
        'data.missing_markers: ["NaN"]',
    ),
    "dates in an order of their own": (
        [[f"{k % 28 + 1}.{k % 12 + 1}.2024", *row[1:]] for k, row in enumerate(flowers())],
        "line 2, column 'length': '1.1.2024' is a date, and its order is not told: data.dates: dmy",
    ),
    "thousands": (
        [[f"{k + 1},000", *row[1:]] for k, row in enumerate(flowers())],
        "line 2, column 'length': '1,000' has a comma that may be a decimal one or part thousands",
        "data.decimal: comma",
    ),
    "one class": ([[*row[:2], "a"] for row in flowers()], "every row has 'a' in the target"),
    "two rows": (flowers(2), "2 rows with test_share 0.2 are"),
}


def train(folder, *settings, file="t.csv", target="kind"):
    data = ["data.format=csv", f"data.file={file}", f"data.target={target}", "epochs=1", "name=t"]
    return run("train", *(f"--set={s}" for s in [*data, *settings]), cwd=folder)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_by_one_line(tmp_path, mistake):
    rows, *parts = MISTAKES[mistake]
    write(tmp_path / "t.csv", COLUMNS, rows)
    done = train(tmp_path)
    assert done.returncode == 3 and done.stdout == "" and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "columns, target, settings, part",
    [
        (COLUMNS, "kidn", [], "no column is named 'kidn' (target); the nearest is 'kind'"),
        (["1.5", "2", "3"], "kind", [], "the first line has numbers alone; put a line with the"),
        (COLUMNS, "kind", ["data.missing_markers=[x]"], "data.missing: mean (or median, indicator"),
        (COLUMNS, "kind", ["data.ignored_columns=[lengths]"], "'lengths' (ignored_columns)"),
        (COLUMNS, "kind", ["data.missing=zero"], "must be one of error, mean, median, indicator"),
    ],
)
def test_a_wrong_setting_is_answered_by_one_line(tmp_path, columns, target, settings, part):
    write(tmp_path / "t.csv", columns, flowers())
    done = train(tmp_path, *settings, target=target)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert part in done.stderr


def test_what_is_odd_is_told_before_training(tmp_path):
    rows = [[k + 1, f"name {k}", k % 55, 1, *row] for k, row in enumerate(flowers())]
    write(tmp_path / "t.csv", ["id", "name", "age", "never", *COLUMNS], rows)
    told = train(tmp_path).stdout
    assert (
        "'id': they count the rows; an ID? To leave it out: data.ignored_columns: [\"id\"]" in told
    )
    assert "'name': every row has another; an ID?" in told
    assert "'never': it never varies" in told
    assert "1 column of words, an input for each word, 60 in all: 'name' (60 different)" in told
    told = train(tmp_path, target="age").stderr
    assert "a quantity more often than classes: data.task: regression" in told
    done = train(tmp_path, "data.ignored_columns=[id, name]")
    assert "2 columns left out" in done.stdout and "ID?" not in done.stdout


# ---- later rows ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mean", "median", "indicator"])
def test_later_rows_are_filled_as_the_first_were(tmp_path, policy):
    """A missing number is predicted from as one that has the very value that stands for it."""
    rows = with_cell(5, 0, "?")
    rows[8][0] = ""
    write(tmp_path / "t.csv", COLUMNS, rows)
    settings = [f"data.missing={policy}", 'data.missing_markers=["?"]']
    assert train(tmp_path, *settings).returncode == 0
    encoding = json.loads((tmp_path / "runs/t/encoding.json").read_text())
    column = encoding["columns"][0]
    assert encoding["missing"] == policy and encoding["missing_markers"] == ["?"]
    assert column.get("indicator", False) == (policy == "indicator")
    fill = column.get("fill", column["mean"])
    assert (fill == column["mean"]) == (policy != "median")

    def probabilities(length):
        new = write(tmp_path / "new.csv", ["length", "width"], [[length, 1.5]])
        told = json.loads(ravine("predict", "runs/t", new, "--json", cwd=tmp_path))
        return told["rows"][0]["probabilities"]

    missing = probabilities("")
    assert missing == probabilities(" ? ")
    same = probabilities(repr(fill)) == pytest.approx(missing, abs=1e-6)
    assert same == (policy != "indicator")
    score = json.loads(ravine("evaluate", "runs/t", "t.csv", "--json", cwd=tmp_path))
    assert score["examples"] == 60

    done = run("predict", "runs/t", "new.csv", cwd=tmp_path)
    new = write(tmp_path / "new.csv", ["length", "width"], [[1, ""]])
    done = run("predict", "runs/t", new, cwd=tmp_path)
    assert (done.returncode == 3) == (policy == "indicator")  # of width none was missing
    assert policy != "indicator" or "where the run has learned from none was" in done.stderr


def test_later_rows_have_dates_and_commas(tmp_path):
    draw = random.Random(2)
    rows = [
        [
            f"{k % 28 + 1}.{k % 12 + 1}.2024",
            f"{draw.gauss(0, 1):.2f}".replace(".", ","),
            "ab"[k % 2],
        ]
        for k in range(60)
    ]
    lines = [";".join(row) for row in [["day", "size", "kind"], *rows]]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    assert train(tmp_path, "data.dates=dmy").returncode == 0
    encoding = json.loads((tmp_path / "runs/t/encoding.json").read_text())
    assert encoding["format"] == 2  # a reader of format 1 would read "1,5" as something else
    assert [c["form"] for c in encoding["columns"]] == ["date_dmy", "comma"]
    new = tmp_path / "new.csv"
    new.write_text("size;day\n0,5;24.12.2024\n")
    assert ravine("predict", "runs/t", new, cwd=tmp_path).count("\n") == 2
    new.write_text("size;day\n0.5;24.12.2024\n")
    told = run("predict", "runs/t", new, cwd=tmp_path).stderr
    assert "line 2, column 'size': '0.5' is not a number with a decimal comma" in told
    new.write_text("size;day\n0,5;2024-12-24\n")
    told = run("predict", "runs/t", new, cwd=tmp_path).stderr
    assert "'2024-12-24' is not a date such as 31.12.2024" in told


def test_columns_that_were_left_out_may_be_there(tmp_path):
    rows = [[k + 1, *row] for k, row in enumerate(flowers())]
    write(tmp_path / "t.csv", ["id", *COLUMNS], rows)
    assert train(tmp_path, "data.ignored_columns=[id]").returncode == 0
    with_it = write(tmp_path / "a.csv", ["id", *COLUMNS[:2]], [["", 1, 2]])
    without = write(tmp_path / "b.csv", COLUMNS[:2], [[1, 2]])
    expected = ravine("predict", "runs/t", without, cwd=tmp_path)
    assert ravine("predict", "runs/t", with_it, cwd=tmp_path) == expected


def test_the_page_shows_what_is_printed(tmp_path):
    page = (ROOT / "docs/data.md").read_text()
    shown = page.split("$ ravine train examples/table_energy.yaml\n")[1].split("```")[0]
    settings = ["--set=epochs=1", f"--set=runs_dir={tmp_path}"]
    assert ravine("train", "examples/table_energy.yaml", *settings, cwd=ROOT).startswith(shown)
