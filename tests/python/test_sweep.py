# SPDX-License-Identifier: Apache-2.0
"""`ravine sweep`: its runs beside those of `ravine train`, what it chooses, and how it goes on."""

import json
import math
import os
import signal
import statistics
import subprocess
import time

import pytest
from conftest import RAVINE, ROOT
from schema import assert_conforms
from test_command import Terminal
from test_validation import TABLE, train, weights_of, write_table

OK, USAGE, INPUT, INTERRUPTED = 0, 2, 3, 130
SHORT = [*TABLE, "model.widths=[8]", "optimizer=sgd momentum=0.9", "batch_size=16", "epochs=3"]
GRID = ["--vary=lr=0.01:1:log:3", "--vary=batch_size=16,32", "--seeds=2"]
# Long enough to be interrupted, with checkpoints far apart.
LONG = [*SHORT, "epochs=6000", "checkpoint.epochs=1600", "log_every=4000"]


@pytest.fixture
def place(tmp_path):
    write_table(tmp_path / "t.csv", rows=103)
    return tmp_path


def words(settings, options):
    return [RAVINE, "sweep", *(f"--set={s}" for s in settings), *map(str, options)]


def clean():
    return {k: v for k, v in os.environ.items() if not k.startswith("RAVINE_")}


def sweep(place, *options, settings=SHORT, code=OK, quiet=True):
    """What --json says, or the line of the failure."""
    done = subprocess.run(
        words(settings, [*options, "--json", *(["-q"] if quiet else [])]),
        cwd=place,
        env=clean(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == OK else done.stderr


def bytes_of(folder):
    """What the runs have learnt and logged, but for the clock."""
    return {p.parent.name: p.read_bytes() for p in folder.glob("*/weights.safetensors")}


def told_in(folder):
    """What is told in the folder, wherever it lies."""
    told = json.loads((folder / "sweep.json").read_text())
    return json.loads(
        json.dumps(told).replace(told["folder"] + "/", "").replace(told["folder"], "")
    )


# ---- the runs ------------------------------------------------------------------------------------


def test_each_run_is_the_one_that_train_makes(place):
    told = sweep(place, *GRID)
    assert_conforms(told, "sweep")
    assert told["folder"] == "runs/run-sweep"
    settings = [(c["settings"]["lr"], c["settings"]["batch_size"]) for c in told["cells"]]
    assert settings == [(lr, size) for lr in ("0.01", "0.1", "1") for size in ("16", "32")]
    name = "lr=0.1,batch_size=32,seed=2"
    run = told["cells"][3]["runs"][1]
    assert run["run"] == f"runs/run-sweep/{name}" and run["seed"] == 2
    alone = train(
        place, *SHORT, "optimizer=sgd momentum=0.9 lr=0.1", "batch_size=32", "seed=2", "name=alone"
    )
    assert weights_of(place, f"run-sweep/{name}") == weights_of(place, "alone")
    (best,) = [e for e in alone["epochs"] if e["epoch"] == alone["best_epoch"]]
    assert (run["validation"], run["best_epoch"]) == (best["validation"], alone["best_epoch"])
    assert run["train"] == alone["epochs"][-1]["train"]
    for folder in (place / "runs/run-sweep").glob("*/"):
        assert (folder / "report.html").exists() and (folder / "run.jsonl").exists()
    assert json.loads((place / "runs/run-sweep/sweep.json").read_text()) == told


def test_the_number_of_jobs_changes_no_bit(place):
    sweep(place, *GRID, "--jobs=1", "-o", "one")
    sweep(place, *GRID, "--jobs=2", "-o", "two")
    sweep(place, *GRID, "--jobs=20", "--threads=2", "-o", "many")
    assert len(bytes_of(place / "one")) == 12
    assert bytes_of(place / "one") == bytes_of(place / "two") == bytes_of(place / "many")
    assert told_in(place / "one") == told_in(place / "two") == told_in(place / "many")


def test_threads(place):
    def threads_of(*options):
        sweep(place, "--vary=lr=0.1", *options, "-o", "x" + "".join(options))
        (log,) = (place / ("x" + "".join(options))).glob("*/run.jsonl")
        return json.loads(log.read_text().splitlines()[0])["config"]["threads"]

    assert threads_of("--jobs=2") == 1
    assert threads_of("--jobs=2", "--threads=3") == 3
    assert threads_of("--jobs=1") == 0  # all of them


def test_keys_and_settings(place):
    """A setting of the rule is put into the rule, whichever is varied, and into its schedule."""
    options = ["--vary=weight_decay=0,0.5", "--vary=optimizer=sgd lr=0.1,adam", "--set=beta1=0.5"]
    assert "sgd has no setting beta1" in sweep(place, *options, code=USAGE)
    told = sweep(place, *options[:2], "--set=lr=0.02", "-o", "a")
    config = told["best"]["config"]
    assert config.startswith("optimizer: ") and "lr=0.02 weight_decay=" in config
    names = {p.name for p in (place / "a").glob("*/")}
    assert "weight_decay=0.5,optimizer=sgd_lr_0.1-1,seed=1" in names
    assert "weight_decay=0.5,optimizer=adam,seed=1" in names
    scheduled = ["--set=schedule.lr=warmup(10%) cosine(90%) lr=9", "--vary=lr=0.01,0.02", "-o", "b"]
    told = sweep(place, *scheduled)
    assert told["best"]["config"].startswith("schedule:\n  lr: warmup(10%) cosine(90%) lr=0.0")


def test_values(place):
    def values(vary):
        (place / "out").mkdir(exist_ok=True)
        told = sweep(place, f"--vary={vary}", "-o", f"out/{len(list((place / 'out').iterdir()))}")
        return told["vary"][0]["values"]

    assert values("lr=1e-3:0.1:log:5") == ["1e-3", "0.003162", "0.01", "0.03162", "0.1"]
    assert values("momentum=0:0.9:linear:4") == ["0", "0.3", "0.6", "0.9"]
    assert values("batch_size=8:32:log:3") == ["8", "16", "32"]
    assert values("model.widths=8,[8,4]") == ["8", "[8,4]"]
    texts = "schedule.lr=cosine(5, to=0) lr=1,constant(9) lr=0.1"
    assert values(texts) == ["cosine(5, to=0) lr=1", "constant(9) lr=0.1"]


# ---- what is chosen ------------------------------------------------------------------------------


def epochs_of(place, run):
    lines = (place / run / "run.jsonl").read_text().splitlines()
    return [e for e in map(json.loads, lines) if e.get("type") == "epoch" and e["epoch"]]


def check_choice(place, told, loss_of):
    means = []
    for cell in told["cells"]:
        losses = [loss_of(epochs_of(place, run["run"])) for run in cell["runs"]]
        assert cell["loss"]["mean"] == pytest.approx(statistics.mean(losses), rel=1e-12)
        assert cell["loss"]["deviation"] == pytest.approx(statistics.stdev(losses), rel=1e-9)
        means.append((statistics.mean(losses), losses))
    order = sorted(range(len(means)), key=lambda k: means[k][0])
    best, following = told["best"], told["best"]["next"]
    assert (best["cell"], following["cell"]) == tuple(order[:2])
    pairs = zip(means[order[0]][1], means[order[1]][1], strict=True)
    by = [other - one for one, other in pairs]
    assert following["lower_by"]["mean"] == pytest.approx(statistics.mean(by), rel=1e-9)
    assert following["lower_in"] == sum(b > 0 for b in by)
    variances = [statistics.variance(means[k][1]) for k in order[:2]]
    assert following["seed_deviation"] == pytest.approx(math.sqrt(sum(variances) / 2), rel=1e-9)


def test_the_validation_decides(place):
    told = sweep(place, *GRID, "--seeds=3")
    assert told["decided_by"] == "validation"
    check_choice(place, told, lambda epochs: min(e["validation"]["loss"] for e in epochs))


def test_without_a_validation_the_training_decides(place):
    told = sweep(place, *GRID, settings=[*SHORT, "data.validation_share=0"])
    assert_conforms(told, "sweep")
    assert told["decided_by"] == "train"
    check_choice(place, told, lambda epochs: epochs[-1]["train"]["loss"])
    mixed = sweep(place, "--vary=data.validation_share=0,0.2", "-o", "mixed")
    assert mixed["decided_by"] == "train"


WILD = [*SHORT, "optimizer=sgd", "nonfinite=propagate", "model.widths=[8,8]"]


def test_runs_that_diverge_are_results(place):
    options = ["--vary=lr=0.01,0.1,1e30", "--seeds=2"]
    done = subprocess.run(
        words(WILD, options), cwd=place, env=clean(), capture_output=True, text=True
    )
    assert done.returncode == OK and done.stderr == ""
    assert "2 of 2 diverged" in done.stdout
    told = sweep(place, *options, settings=WILD)
    assert_conforms(told, "sweep")
    lost = told["cells"][2]
    assert (lost["diverged"], lost["loss"]) == (2, None)
    assert [run["state"] for run in lost["runs"]] == ["diverged", "diverged"]
    assert told["best"]["cell"] != 2
    nothing = sweep(place, "--vary=lr=1e30", "--seeds=2", "-o", "lost", settings=WILD)
    assert_conforms(nothing, "sweep")
    assert nothing["best"] is None


def test_the_end_of_a_range_is_told(place):
    told = sweep(place, "--vary=lr=1e-6:1e-2:log:3", "--vary=batch_size=16,32")
    assert told["best"]["at_edge"] == ["lr"]
    done = subprocess.run(
        words(SHORT, ["--vary=lr=1e-6:1e-2:log:3", "--vary=batch_size=16,32"]),
        cwd=place,
        env=clean(),
        capture_output=True,
        text=True,
    )
    assert "lr=1e-2 is the greatest that was tried" in done.stdout
    assert "one seed says nothing of chance" in done.stdout
    config = told["best"]["config"]
    assert config in "".join(line + "\n" for line in done.stdout.splitlines()) + "\n"


# ---- going on ------------------------------------------------------------------------------------


def test_what_is_finished_is_kept(place):
    first = sweep(place, *GRID)
    logs = {p: p.stat().st_mtime_ns for p in place.glob("runs/run-sweep/*/run.jsonl")}
    assert sweep(place, *GRID) == first
    wider = sweep(place, "--vary=lr=0.01,0.1,1,2", GRID[1], "--seeds=3")
    assert {p: p.stat().st_mtime_ns for p in logs} == logs
    assert len(list(place.glob("runs/run-sweep/*/run.jsonl"))) == 24
    assert [c["runs"][:2] for c in wider["cells"][:6]] == [c["runs"] for c in first["cells"]]


def started(place, folder, *options):
    process = subprocess.Popen(
        words(LONG, ["--vary=lr=0.01,0.1", "--seeds=2", "-q", "-o", folder, *options]),
        cwd=place,
        env=clean(),
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while len(list((place / folder).glob("*/events*"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    return process


def states(folder):
    logs = [log.read_text().splitlines()[-1] for log in folder.glob("*/run.jsonl")]
    return [json.loads(line).get("event") for line in logs]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_gone_on_with(place, by):
    process = started(place, "cut", "--jobs=2")
    time.sleep(0.2)
    process.send_signal(by)
    _, errors = process.communicate(timeout=60)
    if by == signal.SIGKILL:
        end = time.monotonic() + 60
        while states(place / "cut") != ["interrupted"] * 2:  # its processes heard of it
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(0.2)
    else:
        assert process.returncode == INTERRUPTED
        assert "0 of 4 runs in cut have ended; the same command goes on" in errors
        assert states(place / "cut") == ["interrupted"] * 2
    options = ["--vary=lr=0.01,0.1", "--seeds=2"]
    sweep(place, *options, "-o", "cut", settings=LONG)
    sweep(place, *options, "-o", "whole", settings=LONG)
    assert bytes_of(place / "cut") == bytes_of(place / "whole")
    assert told_in(place / "cut") == told_in(place / "whole")


def test_a_second_signal_leaves_at_once(place):
    process = started(place, "cut")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED


def test_one_at_a_time(place):
    process = started(place, "cut")
    told = sweep(place, "--vary=lr=0.01", "-o", "cut", code=INPUT)
    assert "cut: another sweep is at work there" in told
    process.terminate()
    process.communicate(timeout=60)


def test_another_configuration_is_refused(place):
    sweep(place, *GRID)
    told = sweep(place, *GRID, settings=[*SHORT, "epochs=4"], code=USAGE)
    assert 'epochs is "4", and "3" in the run in runs/run-sweep/lr=0.01,batch_size=16' in told
    told = sweep(place, *GRID, settings=[*SHORT, "optimizer=adam"], code=USAGE)
    assert 'optimizer is "adam lr=0.01", and "sgd momentum=0.9 lr=0.01"' in told
    sweep(place, *GRID, "--threads=2")
    lines = (place / "t.csv").read_text().splitlines()
    (place / "t.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert "is not what the run in" in sweep(place, *GRID, code=INPUT)


def test_a_run_that_never_began_gives_way(place):
    folder = place / "runs/run-sweep/lr=0.1,seed=1"
    folder.mkdir(parents=True)
    (folder / "encoding.json").write_text("{")
    (folder / "run.jsonl").write_text('{"type":"head')
    told = sweep(place, "--vary=lr=0.1")
    assert told["cells"][0]["runs"][0]["run"] == "runs/run-sweep/lr=0.1,seed=1"
    assert told["cells"][0]["loss"]["count"] == 1
    other = place / "runs/run-sweep/lr=0.2,seed=1"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    assert "is in the way of a run" in sweep(place, "--vary=lr=0.2", code=INPUT)
    assert (other / "thesis.txt").exists()


def test_an_error_stops_the_sweep(place):
    told = sweep(place, "--vary=data.file=t.csv,gone.csv", "-o", "out", code=INPUT)
    assert "cannot open gone.csv" in told
    assert not (place / "out/sweep.html").exists()
    write_table(place / "gone.csv", rows=60)
    assert len(sweep(place, "--vary=data.file=t.csv,gone.csv", "-o", "out")["cells"]) == 2


def test_a_process_that_is_killed_is_told(place):
    process = started(place, "cut", "--jobs=2")
    children = subprocess.run(
        ["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(children[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == INPUT
    assert "ended by itself: Killed; the same command goes on" in errors


@pytest.mark.parametrize(
    ("name", "smaller", "vary"),
    [
        ("rate_batch", ["epochs=1"], ["--vary=batch_size=4096,8192", "--vary=lr=0.1"]),
        (
            "warmup_transformer",
            ["data.examples=24", "model.layers=1"],
            ["--vary=model.norm=post,pre", "--vary=schedule.lr=constant lr=1,warmup(9) lr=1"],
        ),
    ],
)
def test_the_experiments_of_the_documents(tmp_path, name, smaller, vary):
    config = ROOT / f"examples/sweeps/{name}.yaml"
    told = sweep(tmp_path, config, *vary, settings=smaller)
    assert told["best"]["cell"] in range(len(told["cells"]))
    again = subprocess.run(
        words(smaller, [config, *vary]), cwd=tmp_path, env=clean(), capture_output=True, text=True
    )
    score = "bits_per_byte" if "transformer" in name else "accuracy"
    assert again.stdout.splitlines()[2].split()[-3:] == ["validation", "deviation", score]


# ---- mistakes, the terminal ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "sweep needs something to vary: --vary lr=1e-4:1:log:9"),
        (["--vary=lr"], "--vary lr: it must be KEY=VALUE"),
        (["--vary=batch_sise=1,2"], "--vary: unknown key batch_sise; nearest is batch_size"),
        (["--vary=widths=1,2"], "--vary: unknown key widths; it is model.widths"),
        (["--vary=lr=1:2:lag:3"], '"lag" is no spacing; it must be log or linear'),
        (["--vary=lr=1:2:3"], "must be a list, or a range FROM:TO:log:COUNT"),
        (["--vary=lr=1:2:log:3:4"], "must be a list, or a range FROM:TO:log:COUNT"),
        (["--vary=lr=x:2:log:3"], 'FROM is "x"; it must be a number'),
        (["--vary=lr=1::log:3"], 'TO is ""; it must be a number'),
        (["--vary=lr=0:2:log:3"], 'FROM is "0"; it must be above 0, as the spacing is log'),
        (["--vary=lr=1:-2:log:3"], 'TO is "-2"; it must be above 0'),
        (["--vary=lr=1:2:log:1"], 'COUNT is "1"; it must be a whole number in [2, 1000]'),
        (["--vary=batch_size=1:3:linear:9"], "--vary batch_size has the value 1 twice"),
        (["--vary=lr=1,,2"], "--vary lr: value 2 is empty"),
        (["--vary=lr=1,x"], "lr=x,seed=1: --vary: optimizer: lr is x"),
        (["--vary=batch_size=1,0"], "batch_size is 0; it must be a whole number in [1, 1000000]"),
        (["--vary=seed=1,2"], "--vary seed: seeds are those of --seeds N"),
        (["--vary=name=a,b"], "the runs of a sweep are named by it"),
        (["--vary=lr=1", "--vary=lr=2"], "--vary lr is given twice"),
        (["--vary=lr=1e-9:1:log:900", "--vary=momentum=0:1:linear:900"], "above 10000 runs"),
        (["--vary=lr=1", "--jobs=0"], "--jobs is 0; it must be in [1, 1024]"),
        (["--vary=lr=1", "--output="], "--output is empty"),
        (["--vary=data.fold=2,3", "--set=data.folds=2"], "data.fold is 3; it must be in [1, 2]"),
    ],
)
def test_mistakes(place, options, message):
    assert message in sweep(place, *options, code=USAGE)
    assert not (place / "runs").exists()


def test_the_table(place):
    done = subprocess.run(
        words(SHORT, GRID), cwd=place, env=clean(), capture_output=True, text=True
    )
    assert done.returncode == OK and done.stderr == ""  # quiet where it is no terminal
    lines = done.stdout.splitlines()
    assert lines[0] == "6 combinations, 2 seeds each: 12 runs in runs/run-sweep"
    assert lines[2].split() == ["lr", "batch_size", "validation", "deviation", "accuracy"]
    means = [float(line.split()[2]) for line in lines[3:9]]
    assert means == sorted(means)
    assert lines[10].startswith(f"best: lr={lines[3].split()[0]}, batch_size=")
    assert lines[-1] == "all of them: runs/run-sweep/sweep.html"


def test_progress_on_a_terminal(place):
    sets = [f"--set={s}" for s in SHORT]
    terminal = Terminal("sweep", *sets, *GRID, "--jobs=1", cwd=place, columns=80)
    assert terminal.end() == OK
    assert "of 12 runs" in terminal.text and "left  best loss 0." in terminal.text
    quiet = Terminal("sweep", *sets, *GRID, "-q", cwd=place)
    assert quiet.end() == OK and quiet.text == ""
