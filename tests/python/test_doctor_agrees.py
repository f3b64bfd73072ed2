# SPDX-License-Identifier: Apache-2.0
"""What the doctor says at the end of a training `ravine doctor` says again, whatever the log holds;
and a training that was given up is never told to be well."""

import json
import math
import random
import shutil

import pytest
from command_line import DIVERGED, ROOT
from doctor_runs import CODES, diagnose, events, log_of, ravine, train

# Settings, and the exit code of the training.
RUNS = {
    "fine": (["optimizer=adam lr=0.003", "epochs=30"], 0),
    "sparse log": (["optimizer=adam lr=0.003", "epochs=40", "log_every=50"], 0),
    "slow": (["optimizer=sgd lr=1e-6", "epochs=40", "log_every=7"], 0),
    "cosine": (["schedule.lr=warmup(5%) cosine(95%, to=0) lr=1e-2", "epochs=30"], 0),
    "noise floor": (["optimizer=sgd lr=0.05", "batch_size=2", "epochs=3", "log_every=10"], 0),
    "no rate": (["optimizer=sgd lr=0", "epochs=20"], 0),
    "clipped": (["optimizer=sgd lr=0.1", "clip_norm=1e-6", "epochs=30", "log_every=10"], 0),
    "decay": (["optimizer=adamw weight_decay=100", "epochs=30", "log_every=10"], 0),
    "dropout": (["model.dropout=0.95", "epochs=30", "log_every=10"], 0),
    "too fast": (["optimizer=sgd lr=1", "epochs=12", "log_every=10"], 0),
    "blown up": (["optimizer=sgd lr=10", "epochs=3", "log_every=10"], DIVERGED),
    "at once": (["optimizer=sgd lr=1e12", "epochs=2", "log_every=10"], DIVERGED),
    "propagated": (["optimizer=sgd lr=1e6", "nonfinite=propagate", "log_every=10"], DIVERGED),
    "few steps": (["epochs=1", "batch_size=1000"], 0),
    "one step": (["epochs=1", "batch_size=100000"], 0),
}


def agree(live, later):
    """The same words and numbers; a log may add what it knows of the first number that broke."""
    for key in ("verdict", "confidence", "step", "cures", "not", "also", "cannot_tell"):
        assert later[key] == live[key], key
    assert live["evidence"].items() <= later["evidence"].items()


@pytest.mark.parametrize("name", RUNS)
def test_the_same_as_live(tmp_path, name):
    settings, code = RUNS[name]
    run, done = train(tmp_path, *settings, code=code, options=["--json"])
    live = json.loads(done.stdout)["doctor"]
    later = diagnose(run)
    agree(live, later)
    last = events(run, "verdict")
    assert not last or last[-1]["verdict"] == live["verdict"]
    assert last or live["verdict"] == "healthy"
    if code == DIVERGED:
        assert ravine("doctor", run).returncode not in (0, *range(1, 11))
    (seen,) = json.loads(ravine("report", run, "--json").stdout)["runs"]
    assert seen["verdict"] == live["verdict"]


def test_after_an_interruption_and_a_resumption(tmp_path):
    """Two ends, each with a memory of its own; the older one is not believed."""
    settings = ["optimizer=adam lr=0.003", "log_every=50"]
    run, _ = train(tmp_path, *settings, "epochs=20")
    first = diagnose(run)
    memory = (run / "doctor.safetensors").read_bytes()
    done = ravine("train", "--json", "--resume", run, "--set=epochs=40")
    assert done.returncode == 0, done.stderr
    agree(json.loads(done.stdout)["doctor"], diagnose(run))
    (resumed,) = events(run, "resumed")
    assert resumed["step"] == 240 and resumed["total_steps"] == 480
    assert diagnose(run)["step"] == 480 != first["step"]
    (run / "doctor.safetensors").write_bytes(memory)
    assert any("the log holds one in" in text for text in diagnose(run)["cannot_tell"])


def test_a_memory_that_is_damaged_or_gone(tmp_path):
    run, _ = train(tmp_path, "epochs=20", "log_every=50")
    file = run / "doctor.safetensors"
    whole = file.read_bytes()
    assert len(whole) > 50000
    alone = None
    for memory in (
        None,
        whole[:-9],
        whole[:300],
        b"",
        whole[:5000] + b"\xff" * (len(whole) - 5000),
    ):
        file.unlink(missing_ok=True)
        if memory is not None:
            file.write_bytes(memory)
        answer = diagnose(run)
        alone = alone or answer
        assert answer == alone
        assert any("the log holds one in" in text for text in answer["cannot_tell"])


def test_of_an_earlier_step_the_log_alone_is_asked(tmp_path):
    run, _ = train(tmp_path, "epochs=20")
    with_memory = diagnose(run, "--at", "130")
    (run / "doctor.safetensors").unlink()
    assert diagnose(run, "--at", "130") == with_memory


def test_the_log_tells_what_the_doctor_was_told(tmp_path):
    """Against the data, counted here: 1,600 rows, standardised targets."""
    run, _ = train(tmp_path, "epochs=2", "clip_norm=3", "model.dropout=0.25")
    facts = log_of(run)[0]["facts"]
    assert facts["total_steps"] == 24 and facts["clip_norm"] == 3 and facts["dropout"] == 0.25
    assert math.isclose(facts["constant_loss"], 1, rel_tol=1e-5)
    assert math.isclose(facts["target_size"], 1, rel_tol=1e-5)
    assert "classes" not in facts and "norms_untrained" not in facts
    assert facts["foreign_share"] == facts["frozen_share"] == facts["unreached_share"] == 0
    assert 0.5 < facts["input_size"] <= 1
    assert facts["input_ratio"] >= 1 and facts["input_peak"] >= 1
    normed, _ = train(tmp_path, "epochs=1", "model.norm=batch", name="normed")
    assert log_of(normed)[0]["facts"]["norms_untrained"] == 0
    schema = (ROOT / "include/ravine_doctor.h").read_text()
    assert all(f'"{word}"' in schema for word in facts)


def test_a_log_alone_knows_the_held_out_loss(tmp_path):
    """Without the memory, from the lines of the epochs: a net that learns its rows by heart."""
    chance = random.Random(3)
    rows = ["a,b,c,y"] + [
        f"{chance.random()},{chance.random()},{chance.random()},{chance.randrange(2)}"
        for _ in range(120)
    ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows) + "\n")
    settings = [f"data.file={table}", "data.target=y", "data.task=classification"]
    settings += ["model.widths=[64,64]", "optimizer=adam lr=0.01", "epochs=150", "batch_size=16"]
    settings += ["data.validation_share=0.2"]
    run, done = train(tmp_path, *settings, options=["--json"])
    epochs = [line for line in log_of(run) if line.get("type") == "epoch"]
    assert epochs[-1]["validation"]["loss"] > 2 * min(e["validation"]["loss"] for e in epochs)
    assert json.loads(done.stdout)["doctor"]["verdict"] == "overfitting"
    assert diagnose(run)["verdict"] == "overfitting"
    (run / "doctor.safetensors").unlink()
    assert diagnose(run)["verdict"] == "overfitting"


# ---- what cannot wait ----------------------------------------------------------------------------


def test_not_finite_is_told_at_that_step(tmp_path):
    run, _ = train(tmp_path, "optimizer=sgd lr=1e12", "epochs=2", code=DIVERGED)
    told = events(run, "verdict")[0]
    assert told["step"] == events(run, "nonfinite")[0]["step"] <= 3
    assert told["verdict"] in ("nonfinite", "diverging")


def test_the_event_comes_before_its_step_and_names_the_example(tmp_path):
    run, _ = train(tmp_path, "optimizer=sgd lr=10", "epochs=3", "log_every=10", code=DIVERGED)
    lines = log_of(run)
    (at,) = [k for k, line in enumerate(lines) if line.get("event") == "nonfinite"]
    assert 0 <= lines[at]["example"] < lines[0]["train_examples"]
    step = next(line for line in lines[at:] if "type" not in line)
    assert step["step"] == lines[at]["step"] and step["nonfinite"] > 0


def test_the_first_look_is_early(tmp_path):
    """A rate that is far too low is told within the first window, not at its end."""
    run, _ = train(tmp_path, "optimizer=sgd lr=1e-6", "epochs=40")
    told = events(run, "verdict")
    assert told[0]["verdict"] == "crawling" and told[0]["step"] <= 64


@pytest.mark.parametrize("lost", ["memory", "nothing"])
@pytest.mark.parametrize(
    "settings",
    [
        ["optimizer=sgd lr=10", "epochs=3", "log_every=10"],
        ["optimizer=sgd lr=10", "model.widths=[32,16]", "batch_size=32", "log_every=100"],
        ["optimizer=sgd lr=1e20", "epochs=1", "batch_size=10000"],
        ["optimizer=rmsprop lr=1e18", "epochs=2", "log_every=1000"],
        ["optimizer=adam lr=1e30", "epochs=2", "nonfinite=skip"],
    ],
)
def test_never_well_after_exit_code_4(tmp_path, settings, lost):
    run, done = train(tmp_path, *settings, code=DIVERGED)
    if lost == "memory":
        (run / "doctor.safetensors").unlink()
    answer = diagnose(run)
    assert CODES[answer["verdict"]] > 10, answer
    assert "HEALTHY" not in done.stdout


def test_never_well_after_a_stop(tmp_path):
    settings = ["optimizer=sgd lr=3", "epochs=6", "model.activation=tanh"]
    run, _ = train(tmp_path, *settings, code=DIVERGED, options=["--on-warning=stop"])
    assert CODES[diagnose(run)["verdict"]] > 10
    # As if its end had looked fine.
    good, _ = train(tmp_path, "optimizer=adam lr=0.003", "epochs=20", name="good")
    assert diagnose(good)["verdict"] == "healthy"
    log = (good / "run.jsonl").read_text().replace('"event":"finished"', '"event":"stopped"')
    (good / "run.jsonl").write_text(log)
    answer = diagnose(good)
    assert answer["verdict"] == "unclear" and "given_up" in answer["evidence"]
    assert answer["sentence"].startswith("The training was given up, ")
    assert answer["sentence"].endswith("Train again with every step in the log (log_every: 1).")
    assert [cure["kind"] for cure in answer["cures"]] == ["log_every_step"]
    shutil.rmtree(good)


def test_an_event_wins_over_steps_that_were_not_logged(tmp_path):
    """In logs of before, the step that broke may have no line of its own."""
    run, _ = train(tmp_path, "optimizer=adam lr=0.003", "epochs=20", "log_every=10")
    (run / "doctor.safetensors").unlink()
    assert diagnose(run)["verdict"] == "healthy"
    event = {"type": "event", "event": "nonfinite", "step": 205, "epoch": 16, "example": 3}
    event |= {"loss": 0.1, "seconds": 0.1, "nonfinite_tensor": "layer1.weight"}
    lines = (run / "run.jsonl").read_text().splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith('{"step":211,'))
    lines.insert(at, json.dumps(event | {"nonfinite_index": 7}))
    (run / "run.jsonl").write_text("\n".join(lines) + "\n")
    answer = diagnose(run)
    assert answer["verdict"] == "nonfinite"
    assert answer["evidence"]["nonfinite_index"] == 7
    assert diagnose(run, "--at", "201")["verdict"] == "healthy"
