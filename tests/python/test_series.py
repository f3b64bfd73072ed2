# SPDX-License-Identifier: Apache-2.0
"""`ravine train --folds K --seeds N`: runs of one configuration, and their mean and spread."""

import json
import os
import signal
import statistics
import subprocess
import time

import pytest
from conftest import RAVINE
from schema import assert_conforms
from test_validation import TABLE, log_of, train, weights_of, write_table

OK, USAGE, INPUT, DIVERGED, INTERRUPTED = 0, 2, 3, 4, 130
SHORT = [*TABLE, "model.widths=[8]", "optimizer=adam lr=0.01", "batch_size=16", "epochs=3"]


@pytest.fixture
def place(tmp_path):
    write_table(tmp_path / "t.csv", rows=103)
    return tmp_path


def test_folds_are_runs_like_others(place):
    told = train(place, *SHORT, options=["--folds=4", "--seeds=2"])
    assert_conforms(told, "train")
    assert told["folder"] == "runs/run"
    members = [(run["seed"], run["fold"]) for run in told["runs"]]
    assert members == [(seed, fold) for seed in (1, 2) for fold in (1, 2, 3, 4)]
    alone = train(place, *SHORT, "name=alone", "seed=2", "data.folds=4", "data.fold=3")
    (member,) = [run for run in told["runs"] if (run["seed"], run["fold"]) == (2, 3)]
    assert member["run"] == "runs/run/seed2-fold3"
    assert weights_of(place, "run/seed2-fold3") == weights_of(place, "alone")
    assert member["test"] == alone["test"] and member["best_epoch"] == alone["best_epoch"]
    (epoch,) = [e for e in alone["epochs"] if e["epoch"] == alone["best_epoch"]]
    assert member["validation"] == epoch["validation"]


def test_every_row_is_tested_once(place):
    told = train(place, *SHORT, options=["--folds=5"])
    headers = [log_of(place, f"run/seed1-fold{k}")[0] for k in range(1, 6)]
    tested = [h["test_examples"] for h in headers]
    assert sum(tested) == 103 and max(tested) - min(tested) <= 1
    for h in headers:
        parts = [h[f"{part}_examples"] for part in ("train", "validation", "test")]
        assert sum(parts) == 103
    # A row that alone has a word is unknown to no fold: words are of the table, rows of one test.
    right = [round(r["test"]["accuracy"] * n, 6) for r, n in zip(told["runs"], tested, strict=True)]
    assert all(number == int(number) for number in right)


def test_one_changed_row_is_in_one_test(place):
    """Each fold but one learns from it or chooses by it; that one tests it."""
    first = train(place, *SHORT, "data.validation_share=0", options=["--folds=4"])
    lines = (place / "t.csv").read_text().splitlines()
    row, target = lines[50].rsplit(",", 1)
    lines[50] = f"{row},{'no' if target == 'yes' else 'yes'}"
    (place / "t.csv").write_text("\n".join(lines) + "\n")
    train(place, *SHORT, "data.validation_share=0", options=["--folds=4"])
    same = [
        weights_of(place, f"run/seed1-fold{k}") == weights_of(place, f"run-2/seed1-fold{k}")
        for k in range(1, 5)
    ]
    assert len(first["runs"]) == 4 and same.count(True) == 1


def test_mean_and_spread(place):
    told = train(place, *SHORT, options=["--seeds=5"])
    assert [run["seed"] for run in told["runs"]] == [1, 2, 3, 4, 5]
    for part in ("validation", "test"):
        for key in ("loss", "accuracy"):
            values = [run[part][key] for run in told["runs"]]
            found = told[part][key]
            assert found["count"] == 5
            assert found["mean"] == pytest.approx(statistics.mean(values), rel=1e-12)
            assert found["deviation"] == pytest.approx(statistics.stdev(values), rel=1e-12)
            assert (found["least"], found["greatest"]) == (min(values), max(values))


def test_a_single_run_has_no_spread(place):
    told = train(place, *SHORT, "data.validation_share=0", options=["--seeds=1"])
    assert_conforms(told, "train")
    assert told["test"]["loss"]["deviation"] is None and told["validation"]["loss"] is None


def test_runs_that_diverge_are_told_and_not_averaged(place):
    """With a rate at which every loss is soon not finite, the others would still have been made."""
    wild = [*SHORT, "optimizer=sgd lr=1e30", "nonfinite=propagate", "model.widths=[8,8]"]
    sets = [f"--set={s}" for s in wild]
    done = subprocess.run(
        [RAVINE, "train", *sets, "--seeds=2", "--json"], cwd=place, capture_output=True, text=True
    )
    assert done.returncode == DIVERGED and "runs of runs/run diverged" in done.stderr
    told = json.loads(done.stdout)
    assert_conforms(told, "train")
    assert [run["test"] for run in told["runs"]] == [None, None]
    assert told["test"]["loss"] is None
    assert "2 of 2 runs diverged and are in no mean of the test" in done.stderr


def test_the_table(place):
    sets = [f"--set={s}" for s in SHORT]
    done = subprocess.run(
        [RAVINE, "train", *sets, "--folds=3"], cwd=place, capture_output=True, text=True
    )
    assert done.returncode == OK
    lines = done.stdout.splitlines()
    assert lines[0] == "3 runs in runs/run"
    assert [line.split()[0] for line in lines[3:6]] == [f"seed1-fold{k}" for k in (1, 2, 3)]
    assert lines[7].startswith("mean") and lines[8].startswith("standard deviation")


def test_an_interruption_ends_the_series(place):
    sets = [f"--set={s}" for s in [*SHORT, "epochs=100000", "checkpoint.epochs=1000"]]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RAVINE_")}
    process = subprocess.Popen(
        [RAVINE, "train", "-q", *sets, "--seeds=3"],
        cwd=place,
        env=clean,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = place / "runs/run/seed1/run.jsonl"
    end = time.monotonic() + 30
    while not first.exists() or first.stat().st_size < 20000:
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "to go on: ravine train --resume runs/run/seed1" in errors
    assert not (place / "runs/run/seed2").exists()


@pytest.mark.parametrize(
    ("settings", "options", "code", "message"),
    [
        ([], ["--folds=104"], INPUT, "data.folds is 104, but there are 103 rows"),
        ([], ["--folds=1"], USAGE, "--folds is 1; it must be in [2, 1000]"),
        ([], ["--seeds=0"], USAGE, "--seeds is 0; it must be in [1, 1000]"),
        (["data.folds=1"], [], USAGE, "data.folds is 1; it must be 0 or in [2, 1000]"),
        (["data.folds=3", "data.fold=4"], [], USAGE, "data.fold is 4; it must be in [1, 3]"),
        (
            ["data.format=idx"],
            ["--folds=3"],
            USAGE,
            "folds are of a table, and data.format is not csv",
        ),
        ([], ["--folds=3", "--resume=x"], USAGE, "--folds"),
    ],
)
def test_mistakes(place, settings, options, code, message):
    if "--resume=x" in options:
        train(place, *SHORT, "name=x")
        options = ["--folds=3", "--resume=runs/x"]
    assert message in train(place, *SHORT, *settings, options=options, code=code)
    assert [p.name for p in place.glob("runs/*")] in ([], ["x"])
