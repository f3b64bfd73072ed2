# SPDX-License-Identifier: Apache-2.0
"""What a person sees on a terminal, and what a program sees that reads the same command."""

import os
import pty
import re
import subprocess
import termios

import pytest
from conftest import RAVINE, ROOT
from trained import make, predicted, read

TABLE = ROOT / "examples/data/energy.csv"
ERASED = "\r\033[K"


def shown(*words, code=0, columns=100):
    """What a command writes to a terminal, on stdout and stderr alike; code None: it may say no."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, columns))
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [RAVINE, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # nobody holds the other end any more
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    text = b"".join(parts).decode().replace("\r\n", "\n")
    assert process.wait(timeout=60) == code or code is None, text
    return text


def left_on_screen(text):
    """Each line as it is once all that was drawn over it is."""
    return [line.rpartition(ERASED)[2] for line in text.split("\n")]


def energy(folder, **settings):
    told = {"runs_dir": folder, "schedule.lr": "1e-3"} | settings
    sets = [f"--set={key}={value}" for key, value in told.items()]
    return ["train", ROOT / "examples/table_energy.yaml", *sets]


def epochs_in(lines):
    return [int(line.split()[0]) for line in lines if re.match(r" *\d+ +[\d.]+ ", line)]


def test_many_short_epochs_have_few_rows_on_a_terminal(tmp_path):
    lines = left_on_screen(shown(*energy(tmp_path, epochs=60)))
    epochs = epochs_in(lines)
    assert epochs[0] == 1 and epochs[-1] == 60 and len(epochs) <= 25
    assert len(lines) < 45


def test_few_epochs_have_a_row_each(tmp_path):
    lines = left_on_screen(shown(*energy(tmp_path, epochs=20)))
    assert epochs_in(lines) == list(range(1, 21))


def test_a_program_that_reads_has_every_row(tmp_path):
    done = subprocess.run([RAVINE, *energy(tmp_path, epochs=60)], capture_output=True, text=True)
    assert epochs_in(done.stdout.split("\n")) == list(range(1, 61))
    assert done.stderr == ""


def test_the_last_epoch_has_a_row_where_patience_ends(tmp_path):
    given = {"epochs": 500, "train.patience": 2, "train.margin": 0.2}
    lines = left_on_screen(shown(*energy(tmp_path, **given)))
    ended = next(
        re.match(r"stopped after epoch (\d+)", line) for line in lines if "stopped" in line
    )
    assert epochs_in(lines)[-1] == int(ended[1])


def test_what_was_asked_for_stands_last(tmp_path):
    lines = left_on_screen(shown(*energy(tmp_path, epochs=3)))
    assert re.fullmatch(r"test: loss [\d.]+, rmse [\d.]+", lines[-2]) and lines[-1] == ""
    run = tmp_path / "table_energy"
    assert left_on_screen(shown("evaluate", run))[-2].startswith("loss ")
    config = energy(tmp_path)[1:]
    found = left_on_screen(shown("find-lr", config[0], "--steps=40", "--warmup=5"))
    assert any(line.startswith("start with lr = ") for line in found[-4:])


def test_after_a_few_steps_the_doctor_says_what_to_do(tmp_path):
    told = " ".join(shown(*energy(tmp_path, epochs=1, batch_size=512)).split())
    assert "Train on: 3 steps were seen, and a diagnosis needs 16." in told
    assert "ell the doctor" not in told


@pytest.mark.parametrize("columns", [60, 40])
def test_what_was_understood_is_broken_at_words(tmp_path, columns):
    wide = subprocess.run([RAVINE, *energy(tmp_path, epochs=1)], capture_output=True, text=True)
    narrow = left_on_screen(shown(*energy(tmp_path, epochs=1), columns=columns))
    title = narrow[: next(k for k, line in enumerate(narrow) if line.startswith(" epoch"))]
    assert all(len(line) <= columns for line in title) and len(title) > 7
    assert " ".join(title).split() == wide.stdout.partition(" epoch")[0].split()
    lines = shown("init", TABLE, "--target=kwh", columns=columns).split("\n")
    told = subprocess.run([RAVINE, "init", TABLE, "--target=kwh"], capture_output=True, text=True)
    comments = [line for line in lines if line.startswith("#")]
    assert all(len(line) <= columns or len(line[1:].split()) == 1 for line in comments)
    assert [line for line in lines if line not in comments] == [
        line for line in told.stdout.split("\n") if not line.startswith("#")
    ]
    words = [word for line in comments for word in line[1:].split()]
    assert words == told.stdout.partition("\n\n")[0].replace("#", "").split()


def test_what_takes_seconds_tells_how_far_it_is(tmp_path):
    run, file = read(tmp_path, epochs=1, model__width=64)
    short, long, counts = file.read_text(), tmp_path / "long.txt", []
    for times in (4, 16, 64, 256):  # until this machine needs some seconds
        long.write_text(short * times)
        told = shown("evaluate", run, long)
        line = r"reading the text: ([\d,]+) of [\d,]+ sequences, \d+:\d\d left"
        counts = [int(count.replace(",", "")) for count in re.findall(line, told)]
        if len(counts) > 2:
            break
    assert len(counts) > 2 and counts == sorted(counts) and counts[0] > 0
    assert not any("left" in line for line in left_on_screen(told))
    done = subprocess.run([RAVINE, "evaluate", run, long], capture_output=True, text=True)
    assert done.stderr == "" and "\033" not in done.stdout


def told_of(told, pattern):
    """The counts of a line that tells how far something is; nothing of it is left."""
    assert not any("left" in line for line in left_on_screen(told))
    counts = [int(count.replace(",", "")) for count in re.findall(pattern, told)]
    assert counts == sorted(counts)
    return counts


def test_a_long_log_tells_how_far_it_is(tmp_path):
    log, counts = tmp_path / "long.jsonl", []
    lines = [f'{{"step": {k}, "loss": {1 + 1 / k}, "lr": 0.001}}\n' for k in range(1, 1000)]
    for times in (400, 1600, 6400):  # until this machine needs some seconds
        log.write_text("".join(lines) * times)
        told = shown("doctor", log, code=None)
        counts = told_of(told, r"reading the log: ([\d,]+) of [\d,]+ MB, \d+:\d\d left")
        if len(counts) > 2:
            break
    assert len(counts) > 2


def test_a_large_header_tells_how_far_it_is(tmp_path):
    wide = {"model.widths": [3000, 3000], "epochs": 1, "batch_size": 1440, "doctor.watch": "false"}
    subprocess.run([RAVINE, *energy(tmp_path, **wide), "-q"], check=True)
    told = shown("export", tmp_path / "table_energy", "-o", tmp_path / "wide.h")
    counts = told_of(told, r"writing: ([\d,]+) of 9,[\d,]+ weights, \d+:\d\d left")
    assert len(counts) > 2 and (tmp_path / "wide.h").stat().st_size > 1e8


def test_quiet_is_quiet(tmp_path):
    assert shown(*energy(tmp_path, epochs=40), "-q") == ""


def test_what_is_quick_draws_nothing(tmp_path):
    run, file = make(tmp_path, "numbers")
    assert "\033" not in shown("predict", run, file)
    assert len(predicted(run, file)) == 300
