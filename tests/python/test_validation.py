# SPDX-License-Identifier: Apache-2.0
"""The validation share: what is chosen by it, and that nothing is chosen by the test."""

import json
import math
import random
import subprocess

import pytest
import safetensors.numpy
from conftest import RAVINE

OK, USAGE, INPUT = 0, 2, 3


def train(folder, *settings, code=OK, options=()):
    """In `folder`; what --json says, or the line of the failure."""
    sets = [f"--set={s}" for s in settings]
    done = subprocess.run(
        [RAVINE, "train", "-q", "--json", *sets, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == OK else done.stderr


def log_of(folder, name="run"):
    return [json.loads(x) for x in (folder / f"runs/{name}/run.jsonl").read_text().splitlines()]


def weights_of(folder, name):
    return (folder / f"runs/{name}/weights.safetensors").read_bytes()


def write_table(path, rows=200, classes="no yes"):
    """Labels that nothing explains: a net soon learns its rows by heart."""
    draw = random.Random(7)
    names = classes.split()
    lines = [f"{draw.random()},{draw.random()},{names[k % len(names)]}" for k in range(rows)]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n")


TABLE = ["data.format=csv", "data.file=t.csv", "data.target=y", "log_every=1"]
BY_HEART = [*TABLE, "model.widths=[64,64]", "optimizer=adam lr=0.01", "batch_size=16"]


@pytest.fixture
def place(tmp_path):
    write_table(tmp_path / "t.csv")
    return tmp_path


def test_shares_of_a_table(place):
    train(place, *TABLE, "epochs=1")
    header = log_of(place)[0]
    parts = [header[f"{part}_examples"] for part in ("train", "validation", "test")]
    assert parts == [144, 16, 40]  # a tenth of the 160 that are not for the test
    assert header["config"]["data"]["validation_share"] == 0.1


def test_the_test_decides_nothing(place):
    """Other targets in the rows of the test change its score, and no other bit of the run."""
    settings = [*BY_HEART, "epochs=20", "train.patience=5"]
    first = train(place, *settings, "name=one")
    lines = (place / "t.csv").read_text().splitlines()
    scored = {}
    for k in range(
        1, len(lines)
    ):  # which rows are tested: those whose target changes the test alone
        if k % 10:
            continue
        changed = list(lines)
        row, target = changed[k].rsplit(",", 1)
        changed[k] = f"{row},{'no' if target == 'yes' else 'yes'}"
        (place / "t.csv").write_text("\n".join(changed) + "\n")
        again = train(place, *settings, f"name=k{k}")
        if weights_of(place, f"k{k}") == weights_of(place, "one"):
            scored[k] = again["test"] != first["test"]
    assert sum(scored.values()) >= 2  # of the others some are validated, without a new choice


def test_the_best_epoch_is_kept(place):
    """The net at the end is another: a run of as many epochs as the best one had is the same."""
    told = train(place, *BY_HEART, "epochs=40")
    losses = [e["validation"]["loss"] for e in told["epochs"]]
    best = told["best_epoch"]
    assert best == losses.index(min(losses)) + 1 < 40
    train(place, *BY_HEART, f"epochs={best}", "name=short")
    assert weights_of(place, "run") == weights_of(place, "short")
    (test,) = [line for line in log_of(place) if line.get("type") == "test"]
    assert test["epoch"] == best and test["loss"] == told["test"]["loss"]
    (last,) = [line for line in log_of(place, "short") if line.get("type") == "test"]
    assert last == test


def test_without_a_validation_the_last_weights_are_kept(place):
    told = train(place, *BY_HEART, "epochs=5", "data.validation_share=0")
    assert told["best_epoch"] is None and told["test"]["loss"] > 0
    assert all("validation" not in e for e in told["epochs"])
    (test,) = [line for line in log_of(place) if line.get("type") == "test"]
    assert test["epoch"] == 5


def test_what_is_held_out_is_looked_at_before_the_first_epoch(place):
    """A run that ends above where it began is not called healthy."""
    told = train(place, *BY_HEART, "epochs=100")
    start = log_of(place)[1]
    assert (start["type"], start["epoch"], start["step"]) == ("epoch", 0, 0)
    assert 0.5 < start["validation"]["loss"] < 1.2 and "train" not in start
    assert told["epochs"][-1]["validation"]["loss"] > start["validation"]["loss"]
    assert told["doctor"]["verdict"] != "healthy"
    assert [e["epoch"] for e in told["epochs"]] == list(range(1, 101))


# ---- patience ----


def waited(losses, patience, margin):
    """The epoch after which it ends, by the rule in docs/command.md."""
    least, since = float("inf"), 0
    for epoch, loss in enumerate(losses, 1):
        since += 1
        if loss < least * (1 - margin):
            least, since = loss, 0
        if since >= patience:
            return epoch
    return len(losses)


@pytest.mark.parametrize(("patience", "margin"), [(1, 0), (3, 0.0001), (3, 0.05), (6, 0.2)])
def test_patience(place, patience, margin):
    whole = train(place, *BY_HEART, "epochs=40", "name=whole")
    settings = [*BY_HEART, "epochs=40", f"train.patience={patience}", f"train.margin={margin}"]
    told = train(place, *settings)
    losses = [e["validation"]["loss"] for e in whole["epochs"]]
    assert len(told["epochs"]) == waited(losses, patience, margin) < 40
    assert [e["validation"] for e in told["epochs"]] == [
        e["validation"] for e in whole["epochs"][: len(told["epochs"])]
    ]
    (event,) = [line for line in log_of(place) if line.get("event") == "out_of_patience"]
    assert event["best_epoch"] == told["best_epoch"] and event["patience"] == patience
    assert log_of(place)[-1]["event"] == "finished"


def test_patience_is_said_in_words(place):
    sets = [f"--set={s}" for s in [*BY_HEART, "epochs=40", "train.patience=3"]]
    done = subprocess.run([RAVINE, "train", *sets], cwd=place, capture_output=True, text=True)
    assert done.returncode == OK
    assert "of 40: for 3 epochs the validation loss has not fallen by 0.01 %" in done.stdout
    assert "where the validation loss was least" in done.stdout


def test_patience_goes_on_with_the_run(place):
    """From each checkpoint to the same end, and a run that has ended says so."""
    settings = [*BY_HEART, "epochs=40", "train.patience=4", "checkpoint.keep=100"]
    told = train(place, *settings)
    run = place / "runs/run"
    weights, steps = weights_of(place, "run"), told["steps"]
    again = train(place, options=["--resume", "runs/run"])
    assert again["steps"] == steps and again["test"] == told["test"]
    files = sorted((run / "checkpoints").glob("step-*"))
    for file in reversed(files[1:]):
        file.unlink()
        (run / "weights.safetensors").unlink()
        again = train(place, options=["--resume", "runs/run"])
        assert again["steps"] == steps and weights_of(place, "run") == weights
        assert again["test"] == told["test"] and again["best_epoch"] == told["best_epoch"]


# ---- mistakes ----


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (["data.validation_share=1.5"], USAGE, "validation_share is 1.5; it must be in [0, 1)"),
        (["data.validation_share=-1"], USAGE, "validation_share is -1; it must be in [0, 1)"),
        (["data.validation_share=ten"], USAGE, 'validation_share is "ten"; it must be a number'),
        (
            ["data.validation_share=0.999"],
            INPUT,
            "160 examples with data.validation_share 0.999 are 0 to train on and 160 to validate",
        ),
        (
            ["train.patience=3", "data.validation_share=0"],
            USAGE,
            "train.patience is 3, but data.validation_share is 0",
        ),
        (["train.patience=-1"], USAGE, "train.patience is -1; it must be a whole number in [0,"),
        (["train.margin=1"], USAGE, "train.margin is 1; it must be in [0, 1)"),
    ],
)
def test_mistakes(place, settings, code, message):
    assert message in train(place, *TABLE, *settings, code=code)
    assert not (place / "runs").exists()


def test_a_class_that_is_held_out_whole(tmp_path):
    write_table(tmp_path / "t.csv", rows=60)
    with (tmp_path / "t.csv").open("a") as table:
        table.write("0.5,0.5,rare\n")
    told = set()
    for seed in range(1, 13):
        done = subprocess.run(
            [RAVINE, "train", "-q", *[f"--set={s}" for s in [*TABLE, "epochs=1", f"seed={seed}"]]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        told.add(done.returncode)
        if done.returncode:
            assert "of class 'rare' none of 1 rows is left to train on" in done.stderr
    assert told == {OK, INPUT}


def test_tensors_are_whole(place):
    """With everything that is kept: running statistics and averages, too."""
    extra = ["model.norm=batch", "ema=0.9"]
    told = train(place, *BY_HEART, *extra, "epochs=30")
    best = told["best_epoch"]
    train(place, *BY_HEART, *extra, f"epochs={best}", "name=short")
    one = safetensors.numpy.load_file(place / "runs/run/weights.safetensors")
    other = safetensors.numpy.load_file(place / "runs/short/weights.safetensors")
    assert best < 30 and one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


# ---- weights of classes ----

RARE = [*TABLE, "model.widths=[]", "optimizer=adam lr=0.05", "epochs=40"]


@pytest.fixture
def rare(tmp_path):
    """One row of eight is of a class that overlaps with the other."""
    draw = random.Random(5)
    lines = []
    for k in range(800):
        x = draw.gauss(1.0 if k % 8 == 0 else 0.0, 1)
        lines.append(f"{x},{draw.random()},{'rare' if k % 8 == 0 else 'usual'}")
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    return tmp_path


def recall_of(folder, name, word="rare"):
    done = subprocess.run(
        [RAVINE, "evaluate", f"runs/{name}", "--json"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == OK, done.stderr
    (found,) = [c["recall"] for c in json.loads(done.stdout)["classes"] if c["class"] == word]
    return found or 0


def test_rare_classes_are_found_where_they_count(rare):
    train(rare, *RARE, "name=plain")
    train(rare, *RARE, "name=balanced", "data.class_weights=balanced")
    train(rare, *RARE, "name=list", "data.class_weights=[7, 1]")
    assert recall_of(rare, "plain") < 0.3
    assert recall_of(rare, "balanced") > 0.5 and recall_of(rare, "list") > 0.5
    # The best constant says that both are as likely.
    facts = log_of(rare, "balanced")[0]["facts"]
    assert facts["constant_loss"] == pytest.approx(math.log(2), rel=1e-12)


def test_weights_are_ratios(rare):
    train(rare, *RARE, "name=one", "data.class_weights=[7, 1]")
    train(rare, *RARE, "name=two", "data.class_weights=[28, 4]")
    train(rare, *RARE, "name=none")
    train(rare, *RARE, "name=equal", "data.class_weights=[4, 4]")
    assert weights_of(rare, "one") == weights_of(rare, "two")
    assert weights_of(rare, "none") == weights_of(rare, "equal")


def test_balanced_in_a_file(rare):
    (rare / "c.yaml").write_text("data: {class_weights: balanced}\nepochs: 1\n")
    train(rare, *TABLE, options=["c.yaml"])
    assert log_of(rare)[0]["config"]["data"]["class_weights"] == ["balanced"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["data.class_weights=[1, 2, 3]"], "has 3 numbers; there are 2 classes"),
        (["data.class_weights=[1, 0]"], 'has "0"; it must be balanced, or numbers in [1e-6, 1e6]'),
        (["data.class_weights=even"], 'has "even"; it must be balanced, or numbers'),
        (
            ["data.class_weights=balanced", "data.task=regression"],
            "data.class_weights is set; data.task is regression, which has no classes",
        ),
    ],
)
def test_weights_that_cannot_be(rare, settings, message):
    assert message in train(rare, *RARE, *settings, code=USAGE)
