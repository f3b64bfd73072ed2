# SPDX-License-Identifier: Apache-2.0
"""What a person with a small table does wrong, and what is fine: the doctor of `ravine train` tells
them apart, live and later, and says nothing that makes it worse."""

import math
import random
import re

import pytest
from doctor_runs import CODES, diagnose, events, ravine, train

SEEDS = (1, 2, 3)
LOST = {"diverging", "nonfinite", "dead", "unscaled_input", "exploding"}


def columns(chance, kind):
    """Five inputs and a target that follows three of them."""
    x = [chance.gauss(0, 1) for _ in range(5)]
    if kind == "regression":
        return [*x, math.sin(2 * x[0]) + x[1] * x[2] + 0.2 * chance.gauss(0, 1)]
    return [*x, "benign" if x[0] + x[1] - x[2] + 0.3 * chance.gauss(0, 1) > 0 else "malign"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for kind in ("classification", "regression"):
        chance = random.Random(11)
        rows = [",".join(map(str, columns(chance, kind))) for _ in range(500)]
        (folder / f"{kind}.csv").write_text("a,b,c,d,e,y\n" + "\n".join(rows) + "\n")
    return folder


def run_of(tables, folder, *settings, kind="classification", code=0, epochs=40):
    table = [f"data.file={tables}/{kind}.csv", "data.target=y", f"data.task={kind}"]
    usual = ["model.widths=[32,16]", "batch_size=32", f"epochs={epochs}", "log_every=10"]
    return train(folder, *table, *usual, *settings, code=code)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("rule", ["adamw lr=1e-3", "adamw lr=3e-3", "sgd lr=0.05"])
def test_what_is_fine_is_not_held_up(tables, tmp_path, rule, kind, seed):
    run, _ = run_of(tables, tmp_path, f"optimizer={rule}", f"seed={seed}", kind=kind)
    answer = diagnose(run)
    assert answer["verdict"] in ("healthy", "unclear", "overfitting"), answer
    assert not [e for e in events(run, "verdict") if e["severity"] == "urgent"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("rule", ["adamw lr=1e-7", "sgd lr=1e-5"])
def test_a_rate_that_is_too_low_is_never_told_to_be_lower(tables, tmp_path, rule, kind, seed):
    run, _ = run_of(tables, tmp_path, f"optimizer={rule}", f"seed={seed}", kind=kind)
    answer = diagnose(run)
    assert answer["verdict"] == "crawling", answer
    lr = float(re.search(r"lr=(\S+)", rule)[1])
    for cure in answer["cures"]:
        told = cure["settings"].get("optimizer", "")
        assert "lower lr" not in cure["text"]
        if found := re.search(r"\blr=(\S+)", told):
            assert float(found[1]) >= lr


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("optimizer=adamw weight_decay=100", {"decayed_away"}),
        ("clip_norm=1e-6", {"clipped"}),
    ],
)
def test_the_setting_that_explains_it_is_named(tables, tmp_path, setting, words, seed):
    rule = [] if setting.startswith("optimizer") else ["optimizer=sgd lr=0.1"]
    run, _ = run_of(tables, tmp_path, setting, *rule, f"seed={seed}")
    answer = diagnose(run)
    assert answer["verdict"] in words, answer
    name = re.search(r"(weight_decay|clip_norm)", setting)[1]
    shown = answer["sentence"] + " ".join(cure["text"] for cure in answer["cures"])
    assert name.split("_")[0] in shown


@pytest.mark.parametrize("seed", SEEDS)
def test_dropout_of_nearly_all_is_no_health(tables, tmp_path, seed):
    run, _ = run_of(
        tables, tmp_path, "model.dropout=0.95", f"seed={seed}", "optimizer=adamw lr=1e-3"
    )
    assert diagnose(run)["verdict"] not in ("warmup_needed", "dead")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_that_was_killed_is_neither_a_floor_nor_a_minimum(tables, tmp_path, seed):
    settings = ["optimizer=sgd lr=30", "model.widths=[8,8,8]", f"seed={seed}"]
    run, _ = run_of(tables, tmp_path, *settings, epochs=20, code=None)
    for options in ([], ["--probe"], ["--try"]):
        answer = diagnose(run, *options)
        assert answer["verdict"] in LOST and CODES[answer["verdict"]] > 10, (options, answer)


@pytest.mark.parametrize("seed", SEEDS)
def test_learning_by_heart_is_overfitting(tables, tmp_path, seed):
    """Labels that were shuffled: only the test's loss tells."""
    chance = random.Random(seed)
    rows = (tables / "classification.csv").read_text().splitlines()
    labels = [row.rsplit(",", 1)[1] for row in rows[1:]]
    chance.shuffle(labels)
    mixed = [
        f"{row.rsplit(',', 1)[0]},{label}" for row, label in zip(rows[1:], labels, strict=True)
    ]
    (tmp_path / "classification.csv").write_text("\n".join([rows[0], *mixed]) + "\n")
    settings = ["optimizer=adam lr=1e-2", f"seed={seed}", "model.widths=[64,64]"]
    run, done = run_of(tmp_path, tmp_path, *settings, epochs=100)
    assert diagnose(run)["verdict"] == "overfitting"
    assert "doctor: OVERFITTING" in " ".join(done.stdout.replace("!", " ").split())


def test_zero_gradients_in_a_log(tables, tmp_path):
    """No number is told that is none."""
    run, _ = run_of(tables, tmp_path, "optimizer=sgd lr=0.05")
    (run / "doctor.safetensors").unlink()
    log = (run / "run.jsonl").read_text()
    log = re.sub(r'"grad_norm":[^,]+', '"grad_norm":0', log)
    (run / "run.jsonl").write_text(
        re.sub(r'("group_grad_norm":)\[[^]]+\]', r"\1[0,0,0,0,0,0]", log)
    )
    done = ravine("doctor", run)
    assert done.stdout and not re.search(r"\bnan\b", done.stdout)
    diagnose(run)
