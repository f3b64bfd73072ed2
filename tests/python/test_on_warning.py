# SPDX-License-Identifier: Apache-2.0
"""What `ravine train` does on a warning of its doctor: --on-warning."""

import json
import math
import shutil

import pytest
from command_line import DIVERGED, USAGE
from doctor_runs import events, log_of, ravine, train

STEEP = ["optimizer=sgd lr=3", "epochs=6", "model.activation=tanh"]


def last_loss(run):
    return [line for line in log_of(run) if "type" not in line][-1]["loss"]


def test_halving_the_learning_rate_saves_a_run(tmp_path):
    """Left alone this one is thrown about; the same steps at half the learning rate learn."""
    settings = ["optimizer=sgd lr=1", "epochs=12"]
    left, _ = train(tmp_path, *settings, name="left")
    assert {e["action"] for e in events(left, "warning")} == {"none"}
    saved, _ = train(tmp_path, *settings, name="saved", options=["--on-warning=halve-lr"])
    acted = [e for e in events(saved, "warning") if e["action"] == "halve-lr"]
    assert acted
    last = [line for line in log_of(saved) if "type" not in line][-1]
    assert acted[-1]["lr_factor"] == 0.5 ** len(acted) == last["lr"]
    assert last_loss(saved) < last_loss(left) / 10


def test_a_halved_schedule_keeps_its_shape(tmp_path):
    settings = ["optimizer=sgd lr=1", "epochs=12", "schedule.lr=linear(100%, to=0) lr=1"]
    run, _ = train(tmp_path, *settings, options=["--on-warning=halve-lr"])
    steps = {line["step"]: line["lr"] for line in log_of(run) if "type" not in line}
    factor = {e["step"]: e["lr_factor"] for e in events(run, "warning")}
    assert factor
    now = 1
    for step, lr in steps.items():
        assert math.isclose(lr, now * (1 - (step - 1) / 144), rel_tol=1e-12, abs_tol=1e-15)
        now = factor.get(step, now)


def test_stopping_keeps_what_was_learnt(tmp_path):
    run, done = train(tmp_path, *STEEP, code=DIVERGED, options=["--on-warning=stop"])
    assert "--on-warning" in done.stderr
    assert (run / "weights.safetensors").exists()
    assert log_of(run)[-1]["event"] == "stopped"
    last = events(run, "stopped")[0]["step"]
    assert (run / f"checkpoints/step-{last:08d}.safetensors").exists()
    assert json.loads(ravine("report", run, "--json").stdout)["runs"][0]["state"] == "stopped"


def test_a_checkpoint_is_written(tmp_path):
    settings = [*STEEP, "checkpoint.epochs=0", "checkpoint.keep=100"]
    run, _ = train(tmp_path, *settings, code=DIVERGED, options=["--on-warning=checkpoint"])
    acted = [e["step"] for e in events(run, "warning") if e["action"] == "checkpoint"]
    saved = sorted(int(path.stem.split("-")[1]) for path in (run / "checkpoints").glob("*"))
    assert acted and saved == acted


def test_an_unknown_action(tmp_path):
    done = ravine("train", "--on-warning=stp", cwd=tmp_path)
    assert done.returncode == USAGE
    assert "halve-lr" in done.stderr


FINE = {
    "adam": ["optimizer=adam lr=0.003", "batch_size=32"],
    "steep": ["optimizer=sgd lr=0.3", "batch_size=32"],
    "large batches": ["optimizer=sgd lr=0.3", "batch_size=256"],
    "momentum": ["optimizer=sgd lr=0.05 momentum=0.9", "batch_size=32"],
    "adagrad": ["optimizer=adagrad lr=0.03", "batch_size=32"],
    "warm-up": ["schedule.lr=warmup(5%) cosine(95%, to=0) lr=1e-2", "batch_size=64"],
}


def mean_loss(run):
    """Of the training, over the last three epochs; inf: it was lost."""
    losses = [line["train"]["loss"] for line in log_of(run) if "train" in line][-3:]
    lost = not losses or None in losses or events(run, "diverged")
    return math.inf if lost else sum(losses) / len(losses)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", FINE)
def test_a_fine_run_pays_nothing(tmp_path, name, seed):
    settings = [*FINE[name], "epochs=25", f"seed={seed}", "checkpoint.epochs=0"]
    left, _ = train(tmp_path, *settings, name="left")
    heeded, _ = train(tmp_path, *settings, name="heeded", options=["--on-warning=halve-lr"])
    assert mean_loss(heeded) <= 1.02 * mean_loss(left)


@pytest.mark.parametrize(
    "settings",
    [
        ["optimizer=sgd lr=1", "batch_size=256"],
        ["optimizer=sgd lr=3", "batch_size=256"],
        ["optimizer=adam lr=1", "batch_size=32"],
        ["optimizer=rmsprop lr=0.3", "batch_size=32"],
    ],
)
def test_where_the_rate_is_too_high_it_gains(tmp_path, settings):
    settings = [*settings, "epochs=40", "checkpoint.epochs=0"]
    left, _ = train(tmp_path, *settings, name="left", code=None)
    heeded, _ = train(tmp_path, *settings, name="heeded", options=["--on-warning=halve-lr"])
    assert mean_loss(heeded) < 0.7 * mean_loss(left)


def test_a_trial_leaves_no_trace(tmp_path):
    """What was tried and not taken changes no bit of the training."""
    settings = ["optimizer=sgd lr=0.3", "batch_size=256", "epochs=40"]
    left, _ = train(tmp_path, *settings, name="left")
    heeded, _ = train(tmp_path, *settings, name="heeded", options=["--on-warning=halve-lr"])
    tried = [e for e in events(heeded, "warning") if e["loss_ratio"]]
    assert tried and all(e["action"] == "none" and e["lr_factor"] == 1 for e in tried)
    weights = "weights.safetensors"
    assert (left / weights).read_bytes() == (heeded / weights).read_bytes()


@pytest.mark.parametrize(
    "rule", ["adagrad lr=0.03", "adan lr=3e-3", "rmsprop lr=1e-3", "sgd lr=0.05"]
)
def test_nothing_is_warned_of_while_the_loss_falls(tmp_path, rule):
    run, _ = train(tmp_path, f"optimizer={rule}", "batch_size=32", "epochs=40")
    assert not events(run, "warning")


@pytest.mark.parametrize("rate", [1, 3, 10, 1e3])
def test_a_run_that_blows_up_was_warned_of_before(tmp_path, rate):
    run, _ = train(tmp_path, f"optimizer=sgd lr={rate}", "batch_size=32", code=DIVERGED)
    broke = [line["step"] for line in log_of(run) if "type" not in line and line["loss"] is None]
    warned = [e["step"] for e in events(run, "warning") if e["warning"] != "nonfinite_gradient"]
    assert warned and warned[0] < broke[0]


@pytest.mark.parametrize("epoch", [1, 4, 9])
def test_a_run_with_trials_that_is_resumed(tmp_path, epoch):
    """From an earlier checkpoint it makes the same trials and ends at the same bits."""
    settings = ["optimizer=sgd lr=1", "batch_size=256", "epochs=12", "checkpoint.keep=99"]
    whole, _ = train(tmp_path, *settings, options=["--on-warning=halve-lr"])
    assert any(e["action"] == "halve-lr" for e in events(whole, "warning"))
    part = shutil.copytree(whole, tmp_path / "part")
    for file in (part / "checkpoints").iterdir():
        if int(file.stem.split("-")[1]) > epoch * 7:
            file.unlink()
    done = ravine("train", "-q", "--resume", part)
    assert done.returncode == 0, done.stderr
    weights = "weights.safetensors"
    assert (whole / weights).read_bytes() == (part / weights).read_bytes()
    told = [[(e["step"], e["action"]) for e in events(run, "warning")] for run in (whole, part)]
    assert told[0] == told[1]
