# SPDX-License-Identifier: Apache-2.0
"""`ravine find-lr` as a program: its forms, its exit codes, and that its answer trains."""

import json
import random

import pytest
from command_line import NO, OK, ROOT, USAGE, fails, ravine
from schema import assert_conforms

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
    assert text.splitlines()[-1].startswith("start with lr = ") and "cost: " in text


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
    assert json.loads(done.stdout)["test"]["loss"] < 0.5  # 1: the mean as an answer


def test_the_same_twice():
    assert find_lr("--json").stdout == find_lr("--json", "--threads", "1").stdout


def test_failures():
    fails(USAGE, "nothing", args=["find-lr", "--set", "nothing=1"])
    fails(USAGE, "--steps", args=["find-lr", "--steps", "3"])
    done = find_lr("--set", "optimizer=sgd maximize=true")
    assert done.returncode == NO and "no learning rate" in done.stderr and done.stdout == ""


def test_a_rate_that_throws_is_no_answer(tmp_path):
    """A table so small that 200 steps at any rate learn it by heart: the test rows tell."""
    chance = random.Random(2)
    rows = []
    for k in range(150):
        x = [chance.gauss((k % 3) * (j < 3), 1) for j in range(13)]
        rows.append(",".join(f"{v:.4f}" for v in x) + f",{'abc'[k % 3]}")
    table = tmp_path / "wine.csv"
    table.write_text(",".join(f"x{j}" for j in range(13)) + ",y\n" + "\n".join(rows) + "\n")
    data = [f"data.file={table}", "data.format=csv", "data.target=y", "model.widths=[32]"]
    sets = [f"--set={s}" for s in [*data, "batch_size=16", "optimizer=adamw"]]
    done = ravine("find-lr", *sets, "--json")
    assert done.returncode == OK, done.stderr
    answer = json.loads(done.stdout)
    assert_conforms(answer, "find_lr")
    lr = answer["suggested_lr"]
    assert 1e-3 < lr <= 1.05 * answer["range"]["calm_lr"] < answer["range"]["lowest_lr"] / 3

    def test_loss(lr):
        schedule = f"--set=schedule.lr=warmup(5%) cosine(95%, to=0) lr={lr}"
        trained = ravine(
            "train",
            *sets,
            schedule,
            f"--set=runs_dir={tmp_path}",
            "--set=epochs=30",
            "-q",
            "--json",
        )
        return json.loads(trained.stdout)["test"]["loss"]

    assert test_loss(lr) < test_loss(answer["range"]["lowest_lr"] / 3)
