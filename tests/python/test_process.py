# SPDX-License-Identifier: Apache-2.0
"""What a training is started with: descriptors that are closed, signals that are ignored or come at
a bad moment, limits on files."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

import pytest
from conftest import RAVINE, SETTINGS

OK, INPUT, INTERRUPTED = 0, 3, 130


def arguments(folder, *more, epochs=2, name="run"):
    settings = {**SETTINGS, "name": name, "epochs": epochs, "runs_dir": folder}
    return [RAVINE, "train", *(f"--set={k}={v}" for k, v in settings.items()), *more]


def lines(folder):
    return [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]


def events(folder):
    return [o["event"] for o in lines(folder) if o.get("type") == "event"]


def wait_for_checkpoint(folder):
    end = time.monotonic() + 30
    while not list(folder.glob("run/checkpoints/step-*")):
        assert time.monotonic() < end
        time.sleep(0.005)


# ---- descriptors ---------------------------------------------------------------------------------


def closing(descriptors, command):
    """The command, started by a program that closes the descriptors before."""
    program = (
        "import os, sys\nfor k in sys.argv[1]: os.close(int(k))"
        "\nos.execv(sys.argv[2], sys.argv[2:])"
    )
    return [sys.executable, "-c", program, descriptors, *map(str, command)]


@pytest.mark.parametrize("closed", ["0", "1", "2", "01", "12", "012"])
def test_closed_descriptors(tmp_path, closed):
    """No file of the run takes the place of one: what is said goes nowhere."""
    done = subprocess.run(closing(closed, arguments(tmp_path)), capture_output=True, timeout=60)
    assert done.returncode == OK
    folder = tmp_path / "run"
    assert events(folder)[-1] == "finished"  # every line is JSON
    steps = [o["step"] for o in lines(folder) if "type" not in o]
    assert steps == list(range(1, 25))
    (seen,) = folder.glob("events.*")
    assert b"epoch" not in seen.read_bytes()


# ---- signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_a_signal_that_ends_saves(tmp_path, name):
    process = subprocess.Popen(
        arguments(tmp_path, "-q", epochs=1000000), stderr=subprocess.PIPE, text=True
    )
    wait_for_checkpoint(tmp_path)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, errors
    assert f"to go on: ravine train --resume {tmp_path}/run" in errors
    assert events(tmp_path / "run")[-1] == "interrupted"


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1"])
def test_an_ignored_signal_stays_ignored(tmp_path, name):
    """nohup, and a shell that starts a command with &, rely on it."""
    number = getattr(signal, name)
    process = subprocess.Popen(
        arguments(tmp_path, "-q", "--set=checkpoint.keep=1000", epochs=20),
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN),
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.002)
    assert process.returncode == OK, process.stderr.read()
    folder = tmp_path / "run"
    assert events(folder)[-1] == "finished"
    assert len(list(folder.glob("checkpoints/*"))) == 20


def start_reading(tmp_path):
    """A training whose configuration is a pipe, and the end of it that can be written."""
    pipe = tmp_path / "config.yaml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [RAVINE, "train", "-q", pipe], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    return process, pipe.open("w")  # which waits for the reader


def test_a_wish_for_a_checkpoint_may_come_early(tmp_path):
    process, pipe = start_reading(tmp_path)
    process.send_signal(signal.SIGUSR1)
    with pipe:
        pipe.write("\n".join(f"{k}: {v}" for k, v in SETTINGS.items() if "." not in k))
        pipe.write(f"""
data: {{format: csv, file: {SETTINGS["data.file"]}, target: kwh, task: regression}}
""")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == OK, errors


def test_before_training_there_is_nothing_to_save(tmp_path):
    process, pipe = start_reading(tmp_path)
    process.send_signal(signal.SIGTERM)
    with pipe:
        assert process.wait(timeout=60) == INTERRUPTED
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


def test_a_file_that_would_be_too_large(tmp_path):
    """SIGXFSZ kills nobody; the failure is told."""
    done = subprocess.run(
        [RAVINE, "optimizers", "-o", tmp_path / "list.txt"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == INPUT
    assert "File too large" in done.stderr and str(tmp_path / "list.txt") in done.stderr
    assert not list(tmp_path.iterdir())


# ---- no room -------------------------------------------------------------------------------------


def limited(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_log_that_cannot_grow(tmp_path):
    """Training is worth more than its log: it goes on, and all else that fits is kept."""
    size = 200000  # of a file: a checkpoint and the page fit, the log of 520 steps does not
    command = arguments(tmp_path, epochs=40)
    done = subprocess.run(
        command, preexec_fn=limited(size), capture_output=True, text=True, timeout=60
    )
    folder = tmp_path / "run"
    assert done.returncode == INPUT
    first, *_, last = done.stderr.splitlines()
    assert first == (
        f"ravine: training goes on, its log waits in memory: cannot write {folder}/run.jsonl: "
        "File too large"
    )
    assert f"cannot write {folder}/run.jsonl: File too large" in last
    assert last.endswith(f"; to go on: ravine train --resume {folder}")
    assert (folder / "run.jsonl").stat().st_size <= size
    steps = [o["step"] for o in lines(folder) if "type" not in o]  # whole lines
    assert steps == list(range(1, steps[-1] + 1)) and steps[-1] < 480

    command = arguments(tmp_path, epochs=40, name="other")
    undisturbed = subprocess.run(command, capture_output=True)
    assert undisturbed.returncode == OK
    weights = (tmp_path / "other/weights.safetensors").read_bytes()
    assert (folder / "weights.safetensors").read_bytes() == weights
    done = subprocess.run(
        [RAVINE, "train", "-q", "--resume", folder], capture_output=True, text=True
    )
    assert done.returncode == OK, done.stderr
    assert events(folder)[-1] == "finished"
    assert (folder / "weights.safetensors").read_bytes() == weights


def test_a_log_that_can_grow_again(tmp_path):
    """Nothing of it is missing when the disk was full for a while."""
    process = subprocess.Popen(
        arguments(tmp_path, "-q", epochs=400), stderr=subprocess.PIPE, text=True
    )
    wait_for_checkpoint(tmp_path)
    whole = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    while (now := (tmp_path / "run/run.jsonl").stat().st_size) < 200000:
        time.sleep(0.001)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (now, whole[1]))
    assert "training goes on, its log waits in memory" in process.stderr.readline()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, whole)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == OK, errors
    steps = [o["step"] for o in lines(tmp_path / "run") if "type" not in o]
    assert steps == list(range(1, 400 * 12 + 1))
    assert events(tmp_path / "run")[-1] == "finished"


@pytest.mark.parametrize("mib", [30, 40, 50, 55, 60, 70, 90, 120, 146, 200, 300])
def test_little_room(mib, tmp_path):
    """A training that has no room says so: OpenBLAS would try again for ever, oneDNN crash."""
    limit = mib << 20

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    version = [RAVINE, "--version"]
    done = subprocess.run(version, preexec_fn=limited, capture_output=True, text=True, timeout=20)
    if done.returncode:
        pytest.skip("a sanitizer needs more, or the loader")
    commands = {threads: arguments(tmp_path / threads, f"-t{threads}") for threads in "128"}
    commands["found"] = [RAVINE, "find-lr", *arguments(tmp_path / "found")[2:]]
    for name, command in commands.items():
        done = subprocess.run(
            command, preexec_fn=limited, capture_output=True, text=True, timeout=60
        )
        assert done.returncode in (OK, INPUT), done.stderr
        if done.returncode == INPUT:
            assert re.search("no memory|out of memory|no room for (oneDNN|OpenBLAS)", done.stderr)
            assert not (tmp_path / name).exists()
