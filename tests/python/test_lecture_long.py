# SPDX-License-Identifier: Apache-2.0
"""`ravine lecture --long`, with so little to learn that it takes seconds."""

import datetime
import json
import os
import shutil
import subprocess
from itertools import product
from statistics import fmean

import pytest
from conftest import RAVINE, ROOT
from test_command import images

SAVED = ROOT / "app/lecture/sweeps.jsonl"
LARGEST = 1024  # batch, at which the noise is measured


def read(path, kind):
    """The lines of a type, by their sweeps."""
    lines = [json.loads(line) for line in path.open()]
    names = {line["sweep"] for line in lines}
    return {
        name: [line for line in lines if line["type"] == kind and line["sweep"] == name]
        for name in names
    }


def make(folder, env):
    """What it prints on stderr. Other images than the reference's: its numbers need not agree."""
    done = subprocess.run(
        [RAVINE, "lecture", "--long", "-o", folder],
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "index.html: 1" in done.stdout
    return done.stderr


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """The folder, and the variables that make it short: four epochs of 5 batches of 1,024."""
    data = tmp_path_factory.mktemp("long")
    images(data, train=5300)
    small = {
        f"RAVINE_DATA_{part}_{kind}": f"{data}/{part}-{kind}.gz".lower()
        for part, kind in product(("TRAIN", "TEST"), ("IMAGES", "LABELS"))
    }
    small |= {"RAVINE_EPOCHS": "4", "RAVINE_DATA_EXAMPLES": "48"}
    small |= {"RAVINE_MODEL_BLOCKS": "1", "RAVINE_MODEL_LAYERS": "1"}
    env = os.environ | small
    make(data / "made", env)
    return data / "made", env


def test_every_run_of_the_saved_ones_is_made(long):
    """The same rows, columns and seeds in each sweep."""

    def places(path):
        return {
            name: sorted((r["row"], r["column"], r["seed"]) for r in runs)
            for name, runs in read(path, "run").items()
        }

    assert places(long[0] / "sweeps.jsonl") == places(SAVED)


def test_losses_are_those_of_the_sweeps(long):
    """A row and a column are what their sweep says of itself."""
    runs = read(long[0] / "sweeps.jsonl", "run")["resnet"]
    sweep = json.loads((long[0] / "sweeps/resnet/sweep.json").read_text())
    assert len(sweep["cells"]) == 6
    for cell in sweep["cells"]:
        rate = float(cell["settings"]["lr"])
        warmup = 60 if "warmup(60)" in cell["settings"]["schedule.lr"] else 0
        mine = {r["seed"]: r["loss"] for r in runs if (r["row"], r["column"]) == (rate, warmup)}
        theirs = {run["seed"]: run["validation"]["loss"] for run in cell["runs"]}
        assert mine == pytest.approx(theirs, rel=1e-5)


def test_each_sweep_says_when_and_how_it_was_made(long):
    made, saved = read(long[0] / "sweeps.jsonl", "made"), read(SAVED, "made")
    today = datetime.datetime.now(datetime.UTC).date()
    page = (long[0] / "index.html").read_text()
    for name, (line,) in made.items():
        day = datetime.date.fromisoformat(line["day"])
        assert today - day <= datetime.timedelta(days=1) and line["day"] in page
        assert line["machine"] in page and "processors, " in line["machine"]
        assert line["target"] == saved[name][0]["target"]
        if name != "noise":
            assert line["command"] == saved[name][0]["command"]


def best(runs):
    """The rate with the least mean loss at the largest batch."""
    cells = {}
    for r in runs:
        if r["row"] == LARGEST and r["loss"] is not None:
            cells.setdefault(r["column"], []).append(r["loss"])
    return min(cells, key=lambda rate: fmean(cells[rate]) if len(cells[rate]) == 2 else 1e99)


def test_noise_is_measured_at_the_best_rates(long):
    runs = read(long[0] / "sweeps.jsonl", "run")
    (made,) = read(long[0] / "sweeps.jsonl", "made")["noise"]
    sgd, adam = best(runs["rate_sgd"]), best(runs["rate_adam"])
    rules = f"'optimizer=sgd momentum=0.9 lr={sgd:g},adam lr={adam:g}'"
    assert made["command"].endswith(f"--vary {rules} --seeds 2")


def test_noise_is_that_of_the_doctor(long, tmp_path):
    """What `ravine doctor --probe` finds at the last checkpoint of each run, times the batch."""
    noise = read(long[0] / "sweeps.jsonl", "noise")["noise"]
    assert [n["step"] for n in noise] == [0, 10, 20] * 4
    last = {(n["row"], n["seed"]): n["scale"] for n in noise if n["step"] == 20}
    sweep = json.loads((long[0] / "sweeps/noise/sweep.json").read_text())
    for row, cell in enumerate(sweep["cells"]):
        for run in cell["runs"]:
            folder = shutil.copytree(run["run"], tmp_path / f"{row}-{run['seed']}")
            subprocess.run(
                [RAVINE, "doctor", folder, "--probe", "--full"],
                env=long[1],
                capture_output=True,
                check=False,  # its exit code is a verdict
            )
            found = json.loads((folder / "run.jsonl").read_text().splitlines()[-1])["probe"]
            want = found["noise_scale"]
            assert last[row, run["seed"]] == (want and pytest.approx(want * LARGEST, rel=1e-5))


def test_steps_to_the_target_are_the_logs(long):
    """Around that step the losses of 8,192 examples have the mean 0.5 or less, and not before."""
    runs = read(long[0] / "sweeps.jsonl", "run")["rate_adam"]
    arrived = 0
    for r in runs:
        batch = int(r["row"])
        width = 8192 // batch
        folder = long[0] / "sweeps/rate_adam"
        (log,) = [
            path
            for path in folder.glob(f"lr=*,batch_size={batch},seed={r['seed']}/run.jsonl")
            if float(path.parent.name.split(",")[0][3:]) == r["column"]
        ]
        rows = [json.loads(line) for line in log.open()]
        losses = [row["loss"] for row in rows if "type" not in row]
        means = [fmean(losses[k : k + width]) for k in range(len(losses) - width + 1)]
        first = next((k for k, mean in enumerate(means) if mean <= 0.5), None)
        assert r["steps"] == (None if first is None else first + width // 2)
        arrived += first is not None
    assert 0 < arrived < len(runs)


def test_figures_are_drawn_from_them(long):
    runs = read(long[0] / "sweeps.jsonl", "run")["resnet"]
    numbers = json.loads((long[0] / "lecture.json").read_text())["figures"]["m"]["numbers"]
    told = numbers["with_resnet_1"]
    want = fmean(r["loss"] for r in runs if (r["row"], r["column"]) == (1, 60))
    assert (told["value"] if isinstance(told, dict) else told) == pytest.approx(want)


def test_what_is_there_is_kept(long):
    folder, env = long
    before = {path: path.stat().st_mtime_ns for path in folder.glob("sweeps/*/*/run.jsonl")}
    lines = (folder / "sweeps.jsonl").read_text()
    make(folder, env)
    assert {path: path.stat().st_mtime_ns for path in before} == before and len(before) == 178
    assert (folder / "sweeps.jsonl").read_text() == lines


def test_images_that_are_missing_are_named(tmp_path):
    done = subprocess.run(
        [RAVINE, "lecture", "--long", "-o", tmp_path / "made"],
        env=os.environ | {"RAVINE_DATA_TRAIN_IMAGES": "/nowhere/images.gz"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3 and "/nowhere/images.gz" in done.stderr
    assert not (tmp_path / "made/index.html").exists()
