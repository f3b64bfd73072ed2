# SPDX-License-Identifier: Apache-2.0
"""`ravine train --resume`: a run that was stopped or killed, and gone on with, ends at the very
bits of one that was left alone. RAVINE_TEST_LONG: ten times as many kills."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from conftest import RAVINE, ROOT
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

USAGE, INPUT, INTERRUPTED = 2, 3, 130
STEPS = 20 * 12
CONFIG = f"""\
name: whole
epochs: 20
log_every: 1
data: {{format: csv, file: {ROOT}/examples/data/energy.csv, target: kwh, task: regression}}
model: {{widths: [16], norm: batch, dropout: 0.1}}
optimizer: adamw amsgrad=true weight_decay=0.01
schedule: {{lr: "warmup(5%) cosine(95%, to=1e-5) lr=4e-3"}}
clip_norm: 2
ema: 0.98
"""


def times(number):
    return number * (10 if os.environ.get("RAVINE_TEST_LONG") else 1)


def start(*args, cwd):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RAVINE_")}
    return subprocess.Popen(
        [RAVINE, "train", "-q", *map(str, args)],
        cwd=cwd,
        env=clean,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def train(*args, cwd):
    return finish(start(*args, cwd=cwd))


def lines(folder):
    return [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]


def numbers(folder):
    """Steps and epochs of the log, without the time that they took."""
    kept = [o for o in lines(folder) if o.get("type") not in ("header", "event")]
    return [{k: v for k, v in o.items() if k != "seconds"} for o in kept]


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody disturbed; its folder, and how long it took."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "config.yaml").write_text(CONFIG)
    began = time.monotonic()
    code, errors = train("config.yaml", cwd=folder)
    assert code == 0, errors
    return folder / "runs/whole", time.monotonic() - began


@pytest.fixture
def place(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def assert_same_end(folder, whole):
    assert weights(folder) == weights(whole)
    assert numbers(folder) == numbers(whole)
    seen = EventAccumulator(str(folder), {"scalars": 0})
    seen.Reload()
    assert [s.step for s in seen.Scalars("train/loss")] == list(range(1, STEPS + 1))
    assert not [p for p in folder.rglob("*") if "tmp" in p.name]
    assert (folder / "report.html").stat().st_size > 10000


def go_on(place, *args):
    """The command that starts the run, or goes on with it where it has begun."""
    folder = place / "runs/whole"
    log = folder / "run.jsonl"
    if not log.exists() or not log.read_bytes().endswith(b"\n") and log.stat().st_size < 100:
        shutil.rmtree(folder, ignore_errors=True)
        return start("config.yaml", *args, cwd=place)
    return start("--resume", "runs/whole", *args, cwd=place)


def disturb(place, whole, number, disturbance):
    """Disturbs runs until `number` disturbances have come in time; each run ends well."""
    original, seconds = whole
    chance = random.Random(20)
    done = 0
    while done < number:
        folder = place / "runs/whole"
        shutil.rmtree(folder, ignore_errors=True)
        for attempt in range(1000):
            process = go_on(place, "--set", f"checkpoint.steps={chance.choice([0, 5, 30])}")
            if attempt < 4:
                time.sleep(chance.random() * seconds)
                process.send_signal(disturbance)
            code, errors = finish(process)
            if code == 0:
                break
            # before its handlers are there, a signal ends any process
            assert code in (-disturbance, INTERRUPTED), errors
            if code == INTERRUPTED and errors:
                assert "to go on: ravine train --resume runs/whole" in errors
            done += 1
        assert_same_end(folder, original)
    print(f"counter resumed_after_{disturbance.name.lower()} {done} lost 0")


def test_killed_anywhere(place, whole):
    disturb(place, whole, times(24), signal.SIGKILL)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_stopped_anywhere(place, whole, name):
    disturb(place, whole, times(8), getattr(signal, name))


def test_a_wish_for_a_checkpoint(place, whole):
    """SIGUSR1 saves and goes on."""
    original, _ = whole
    chance = random.Random(4)
    saved = 0
    for _ in range(times(4)):
        folder = place / "runs/whole"
        shutil.rmtree(folder, ignore_errors=True)
        options = ["checkpoint.epochs=0", "checkpoint.keep=1000"]
        process = start("config.yaml", *[f"--set={o}" for o in options], cwd=place)
        while not (folder / "checkpoints").exists():
            time.sleep(0.001)
        while process.poll() is None:
            time.sleep(chance.random() * 0.05)
            process.send_signal(signal.SIGUSR1)
        code, errors = finish(process)
        assert code == 0, errors
        assert_same_end(folder, original)
        files = sorted((folder / "checkpoints").iterdir())
        saved += len(files)
        if files:  # and each is one to go on from
            for file in files[1:]:
                file.unlink()
            code, errors = train("--resume", "runs/whole", cwd=place)
            assert code == 0, errors
            assert_same_end(folder, original)
    assert saved > 0


def signal_before_the_first_step(place, number):
    """While the validation before it is computed; the folder, exit code and message."""
    slow = ["epochs=1", "model.widths=[3000, 3000, 3000]", "data.validation_share=0.5"]
    process = start("config.yaml", *[f"--set={o}" for o in slow], cwd=place)
    folder = place / "runs/whole"
    while not (folder / "checkpoints").exists():
        time.sleep(0.001)
    process.send_signal(number)
    return folder, *finish(process)


def test_stopped_before_the_first_step(place):
    """Nothing is learnt: the run starts over, with the validation that comes first."""
    folder, code, errors = signal_before_the_first_step(place, signal.SIGTERM)
    assert code == INTERRUPTED and "--resume runs/whole" in errors
    code, errors = train("--resume", "runs/whole", cwd=place)
    assert code == 0, errors
    assert [o.get("epoch") for o in numbers(folder) if o.get("type") == "epoch"] == [0, 1]


def test_a_wish_before_the_first_step_waits_for_it(place):
    """There is nothing to save before it."""
    folder, code, errors = signal_before_the_first_step(place, signal.SIGUSR1)
    assert code == 0, errors
    saved = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert saved[0].startswith("step-") and int(saved[0][5:].split(".")[0]) == 1, saved


def test_second_signal_leaves_at_once(place):
    process = start("config.yaml", "--set=epochs=1000000", cwd=place)
    while not list(place.glob("runs/whole/checkpoints/step-*")):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    code, _ = finish(process)
    assert code == INTERRUPTED


def test_after_the_end(place, whole):
    """A finished run has nothing left to do; with more epochs it has."""
    shutil.copytree(whole[0], place / "runs/whole")
    code, errors = train("-r", "runs/whole", cwd=place)
    assert code == 0, errors
    assert_same_end(place / "runs/whole", whole[0])
    constant = ["--set=schedule.lr=1e-3", "--name=longer"]
    assert train("config.yaml", *constant, "--set=epochs=6", cwd=place)[0] == 0
    assert train("config.yaml", *constant, "--set=epochs=2", "--name=long", cwd=place)[0] == 0
    code, errors = train("--resume=runs/long", "--set=epochs=6", "-t", "1", cwd=place)
    assert code == 0, errors
    assert weights(place / "runs/long") == weights(place / "runs/longer")
    assert numbers(place / "runs/long") == numbers(place / "runs/longer")
    code, errors = train("--resume=runs/long", "--set=epochs=3", cwd=place)
    assert code == USAGE and "epochs is 3; the run in runs/long has done 6" in errors


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("seed=2", "--set: seed is another than the run in runs/whole has; it cannot change"),
        ("batch_size=64", "batch_size is another"),
        ("optimizer=sgd", "optimizer is another"),
        ("model.widths=[8]", "model.widths is another"),
        ("name=x", "name is another"),
        ("epochs=40", "schedule.lr is in percent of all steps"),
    ],
)
def test_what_cannot_change(place, whole, setting, told):
    folder = place / "runs/whole"
    shutil.copytree(whole[0], folder)
    code, errors = train("--resume", "runs/whole", "--set", setting, cwd=place)
    assert code in (USAGE, INPUT) and told in errors, errors
    assert weights(folder) == weights(whole[0]) and numbers(folder) == numbers(whole[0])


def test_damage(place, whole):
    original, _ = whole
    folder = place / "runs/whole"
    shutil.copytree(original, folder)
    files = sorted((folder / "checkpoints").iterdir())
    assert len(files) in (3, 4)  # the newest, and the best where it is none of them
    for file in files[-2:]:
        data = bytearray(file.read_bytes())
        data[-5] ^= 16
        file.write_bytes(data)
    code, errors = train("--resume", "runs/whole", cwd=place)
    assert code == 0, errors
    assert "2 damaged checkpoints in runs/whole/checkpoints are passed over" in errors
    assert_same_end(folder, original)

    log = (folder / "run.jsonl").read_bytes()
    for file in (folder / "checkpoints").iterdir():
        os.truncate(file, 100)
    code, errors = train("--resume", "runs/whole", cwd=place)
    assert code == INPUT and "has no checkpoint that is whole" in errors
    assert (folder / "run.jsonl").read_bytes() == log


def test_no_checkpoint_yet(place, whole):
    """Killed before the first one: it starts over, in its folder."""
    folder = place / "runs/whole"
    folder.mkdir(parents=True)
    header = (whole[0] / "run.jsonl").read_text().splitlines()[0]
    (folder / "run.jsonl").write_text(header + '\n{"step":1,"ep')
    code, errors = train("--resume", "runs/whole", cwd=place)
    assert code == 0, errors
    assert_same_end(folder, whole[0])
    assert [o for o in lines(folder) if o.get("event") == "resumed"]


def test_no_run(place):
    code, errors = train("--resume", "runs/none", cwd=place)
    assert code == INPUT and "cannot open runs/none: No such file" in errors
    (place / "runs").mkdir()
    (place / "runs/run.jsonl").write_text('{"type":"header","format":1}')
    code, errors = train("--resume", "runs", cwd=place)
    assert code == INPUT and "runs/run.jsonl: the first line has no end" in errors
    (place / "runs/run.jsonl").write_text('{"type":"header","format":1}\n')
    code, errors = train("--resume", "runs", cwd=place)
    assert code == INPUT and "its header has no groups or no config" in errors


def test_one_at_a_time(place):
    process = start("config.yaml", "--set=epochs=1000000", cwd=place)
    while not list(place.glob("runs/whole/checkpoints/step-*")):
        time.sleep(0.005)
    code, errors = train("--resume", "runs/whole", cwd=place)
    process.kill()
    finish(process)
    assert code == INPUT and "another process writes it" in errors


def test_a_checkpoint_that_fails(place):
    """A folder that nobody can write to costs no training, and is told."""
    process = start("config.yaml", "--set=epochs=60", "--name=poor", cwd=place)
    checkpoints = place / "runs/poor/checkpoints"
    while not checkpoints.is_file():
        if checkpoints.is_dir() and any(checkpoints.glob("step-*.safetensors")):
            shutil.rmtree(checkpoints, ignore_errors=True)
            with contextlib.suppress(OSError):  # one more was written meanwhile
                checkpoints.write_text("not a folder any more")
    code, errors = finish(process)
    assert code == 0, errors
    assert "a checkpoint failed, training goes on: cannot " in errors
    failed = [o for o in lines(place / "runs/poor") if o.get("event") == "checkpoint_failed"]
    assert any("Not a directory" in o["why"] for o in failed)
    assert (place / "runs/poor/weights.safetensors").exists()
