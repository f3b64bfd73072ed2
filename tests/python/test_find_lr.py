"""`ravine find-lr` as a program: its forms, its exit codes, and that its answer trains."""

import json

import pytest
from schema import assert_conforms
from test_command import NO, OK, ROOT, USAGE, fails, ravine

TABLE = ROOT / "examples" / "table_energy.yaml"
QUICK = ["--steps", "200", "--warmup", "20"]


def find_lr(*args):
    return ravine("find-lr", TABLE, *QUICK, *args, cwd=ROOT)


def test_json_holds_both_sides():
    done = find_lr("--json")
    assert done.returncode == OK, done.stderr
    answer = json.loads(done.stdout)
    assert_conforms(answer, "find_lr")
    assert answer["rule"] == "adamw" and answer["suggested_lr"] > 0
    steps = answer["range"]
    assert len(steps["lr"]) == len(steps["loss"])
    assert steps["lr"] == sorted(steps["lr"])
    assert min(steps["loss"]) < steps["first_loss"]
    first, second = answer["stability"]
    assert (first["step"], second["step"]) == (0, 20)
    for side in first, second:
        assert side["largest_stable_lr"] == pytest.approx(side["limit"] / side["sharpness"])
        assert side["gradients"] >= 1 + 40
    spent = steps["steps"] + 20 + first["gradients"] + second["gradients"]
    assert answer["gradients"] == spent


def test_every_form(tmp_path):
    page, picture = tmp_path / "lr.html", tmp_path / "lr.svg"
    assert find_lr("-o", page).returncode == OK
    assert find_lr("-o", picture).returncode == OK
    assert page.read_text().startswith("<!doctype html>") or "<html" in page.read_text()
    assert picture.read_text().lstrip().startswith("<")
    text = find_lr().stdout
    assert text.startswith("start with lr = ") and "cost: " in text


def test_the_answer_trains(tmp_path):
    lr = json.loads(find_lr("--json").stdout)["suggested_lr"]
    done = ravine(
        "train",
        TABLE,
        "--set",
        f"schedule.lr=warmup(5%) cosine(95%, to=0) lr={lr}",
        "--set",
        f"runs_dir={tmp_path}",
        "--set",
        "epochs=20",
        "-q",
        "--json",
        cwd=ROOT,
    )
    assert done.returncode == OK, done.stderr
    assert json.loads(done.stdout)["epochs"][-1]["test"]["loss"] < 0.5  # 1: the mean as an answer


def test_the_same_twice():
    assert find_lr("--json").stdout == find_lr("--json", "--threads", "1").stdout


def test_failures():
    fails(USAGE, "nothing", args=["find-lr", "--set", "nothing=1"])
    fails(USAGE, "--steps", args=["find-lr", "--steps", "3"])
    done = find_lr("--set", "optimizer=sgd maximize=true")
    assert done.returncode == NO and "no learning rate" in done.stderr and done.stdout == ""
