# SPDX-License-Identifier: Apache-2.0
"""The examples that a run is most wrong about: in `ravine evaluate`, in the run and on its page."""

import base64
import csv
import io
import json
import math
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from conftest import RAVINE
from PIL import Image
from schema import assert_conforms
from trained import make, pixels_of, predicted, ravine, rows_of, train

MOST = 12


def evaluated(run, *files):
    answer = json.loads(ravine("evaluate", run, *files, "--json"))
    assert_conforms(answer, "evaluate")
    return answer["worst"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return make(tmp_path_factory.mktemp("words"), "words")


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixels")
    return make(folder, "pixels")[0], folder


def kept(run):
    told = json.loads((run / "worst.json").read_text())
    assert told["format"] == 1
    return told["examples"]


def test_they_are_those_of_the_greatest_loss(words):
    run, file = words
    classes = json.loads((run / "encoding.json").read_text())["target"]["words"]
    rows, shares = rows_of(file), predicted(run, file)
    losses = [-math.log(p[classes.index(r["species"])]) for p, r in zip(shares, rows, strict=True)]
    order = sorted(range(len(rows)), key=lambda k: -losses[k])[:MOST]
    worst = evaluated(run, file)
    assert [w["example"] for w in worst] == [k + 1 for k in order]
    for w, k in zip(worst, order, strict=True):
        assert w["loss"] == pytest.approx(losses[k], rel=1e-9)
        assert w["is"] == rows[k]["species"]
        assert w["called"] == classes[shares[k].argmax()]
        assert w["probability"] == pytest.approx(shares[k].max(), rel=1e-9)


def test_their_rows_are_those_of_the_table(words):
    run, file = words
    rows = rows_of(file)
    for w in evaluated(run, file):
        row = rows[w["example"] - 1]
        for name in ("hue", "year"):
            assert w["inputs"][name] == row[name]
        for name in ("length", "width", "same"):
            assert w["inputs"][name] == pytest.approx(float(row[name]), rel=1e-5, abs=1e-5)


def test_dates_and_gaps_are_as_they_were(tmp_path):
    lines = [["day", "size", "y"]]
    lines += [
        [f"2024-0{1 + k % 9}-1{k % 7}", "" if k % 5 == 0 else k, 3 * k % 17] for k in range(80)
    ]
    file = tmp_path / "dates.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(lines)
    run = train(tmp_path, "dates", data__format="csv", data__file=file, data__target="y",
                data__task="regression", data__missing="indicator", epochs=1)  # fmt: skip
    assert len(kept(run)) == MOST
    for w in evaluated(run, file):
        day, size, y = lines[w["example"]]
        assert w["inputs"]["day"] == day
        assert w["inputs"]["size"] == (pytest.approx(size, rel=1e-5) if size != "" else None)
        assert w["is"] == pytest.approx(y, abs=1e-5)


def test_their_pictures_are_the_images(pixels):
    run, folder = pixels
    images, worst = pixels_of(folder / "test-images"), evaluated(run)
    with_pictures = kept(run)
    assert [w["example"] for w in worst] == [w["example"] for w in with_pictures]
    for w in with_pictures:
        begin, _, text = w["picture"].partition(",")
        assert begin == "data:image/png;base64"
        seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(text, validate=True))))
        assert np.array_equal(seen, images[w["example"] - 1])
    page = (run / "report.html").read_text()
    assert [w["picture"] for w in with_pictures] == re.findall(r'<img alt="" src="(.*?)">', page)


def test_the_page_has_the_rows_of_a_table(words):
    page = (words[0] / "report.html").read_text()
    table = re.search(r'<table id="worst">.*?</table>', page, re.S)[0]
    assert table.count("<tr>") == 1 + len(kept(words[0]))
    assert "<th>hue</th>" in table and kept(words[0])[0]["inputs"]["hue"] in table


def test_evaluate_prints_the_first_of_them(words):
    told = ravine("evaluate", words[0]).partition("most wrong about\n")[2].partition("\n\n")[0]
    assert told.count("\n") == 4
    first = kept(words[0])[0]
    assert f"is {first['is']}, called {first['called']}: length=" in told.splitlines()[0]


def test_of_a_text_there_are_none(tmp_path):
    from trained import read

    assert not (read(tmp_path, epochs=1)[0] / "worst.json").exists()


def test_weights_that_went_on_have_no_old_ones(words, tmp_path):
    """They would be of other weights."""
    run = shutil.copytree(words[0], tmp_path / "run")
    process = subprocess.Popen([RAVINE, "train", "-q", "--resume", run, "--set=epochs=1000000"])
    before = len((run / "run.jsonl").read_text())
    while len((run / "run.jsonl").read_text()) == before:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert not (run / "worst.json").exists()
    assert 'id="worst"' not in (run / "report.html").read_text()


HOSTILE = {
    "markup": ({"is": "<script>alert(1)</script>"}, "&lt;script&gt;alert"),
    "an attribute": ({"picture": 'data:image/png;base64,"onerror="x'}, "called <b>"),
    "another address": ({"picture": "https://example.org/x.png"}, "called <b>"),
    "no text": ({"is": {"a": [1]}, "called": None, "probability": "1<"}, "is <b>-</b>"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_what_stands_in_the_file_is_harmless(pixels, tmp_path, how):
    run = shutil.copytree(pixels[0], tmp_path / "run")
    told = json.loads((run / "worst.json").read_text())
    change, expected = HOSTILE[how]
    told["examples"] = [told["examples"][0] | change]
    (run / "worst.json").write_text(json.dumps(told))
    ravine("report", run)
    part = (run / "report.html").read_text().partition(">Most wrong about<")[2]
    part = part.partition("<h2>")[0]
    assert expected in part and "<script" not in part and "onerror" not in part
    assert ("<img" in part) == ("picture" not in change) and "example.org" not in part


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "examples": []}', '{"format": 1}'])
def test_a_damaged_file_is_told_on_the_page(pixels, tmp_path, text):
    run = shutil.copytree(pixels[0], tmp_path / "run")
    (run / "worst.json").write_text(text)
    ravine("report", run)
    assert re.search(r'<p class="warn">[^<]*worst.json: ', (run / "report.html").read_text())
