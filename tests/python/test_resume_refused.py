# SPDX-License-Identifier: Apache-2.0
"""`ravine train --resume` of what it must not go on with: it says why, and no byte of the run's
folder is another than before."""

import json
import os
import shutil
import struct
import subprocess

import pytest
from conftest import RAVINE, ROOT
from forged import forge
from ravine._api import RAVINE_VERDICT_COUNT

OK, USAGE, INPUT = 0, 2, 3
LAST_VERDICT = RAVINE_VERDICT_COUNT - 1
EPOCHS, EVERY = 4, 12  # steps of an epoch
CONFIG = """\
name: run
epochs: 4
log_every: 1
data: {format: csv, file: energy.csv, target: kwh, task: regression}
model: {widths: [8]}
schedule: {lr: "warmup(5%) cosine(95%, to=1e-5) lr=4e-3"}
"""


def train(*args, cwd):
    return subprocess.run(
        [RAVINE, "train", *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=60
    )


def resume(place, *args):
    return train("--resume", "runs/run", *args, cwd=place)


def contents(folder):
    return {p: p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def refused(place, code, *told, args=()):
    before = contents(place)
    done = resume(place, *args)
    assert done.returncode == code, done.stderr
    for text in told:
        assert text in done.stderr
    assert done.stdout == ""
    assert contents(place) == before


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data, configuration and a run of them that is finished."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(ROOT / "examples/data/energy.csv", folder)
    (folder / "config.yaml").write_text(CONFIG)
    done = train("config.yaml", "-q", "--set=checkpoint.steps=5", cwd=folder)
    assert done.returncode == OK, done.stderr
    return folder


@pytest.fixture
def place(trained, tmp_path):
    """A copy of it, left in its last epoch: as if the power had gone."""
    copy = shutil.copytree(trained, tmp_path / "place")
    newest(copy).unlink()
    (copy / "runs/run/weights.safetensors").unlink()
    return copy


def newest(place):
    return max((place / "runs/run/checkpoints").iterdir())


def log(place):
    return place / "runs/run/run.jsonl"


def anew(place, *args):
    """Trains once more, with a schedule that does not depend on the number of epochs."""
    shutil.rmtree(place / "runs")
    done = train("config.yaml", "-q", "--set=schedule.lr=1e-3", *args, cwd=place)
    assert done.returncode == OK, done.stderr


# ---- refused -------------------------------------------------------------------------------------


def test_a_schedule_that_changes(place):
    """More epochs are fine, but not for what is in percent of them."""
    told = (
        "--set: epochs is 8, and 4 in the run in runs/run: schedule.lr is in percent of all steps"
    )
    refused(place, USAGE, told, args=["--set", "epochs=8"])


def test_a_key_that_changes(place):
    refused(place, USAGE, "seed is another", args=["--set", "seed=9"])


def test_fewer_epochs_than_are_done(place):
    anew(place, "--set=epochs=3")
    refused(place, USAGE, "epochs is 2; the run in runs/run has done 3", args=["--set", "epochs=2"])


def whole(number):
    return struct.pack("<q", number)


def word(number):
    return struct.pack("<i", number)


def number(*values):
    return struct.pack(f"<{len(values)}d", *values)


INT64_MAX = 2**63 - 1
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("train.epoch", whole(0), "train.epoch is 0; it must be 4"),
        ("train.epoch", whole(-100000), "train.epoch is -100000; it must be 4"),
        ("train.epoch", whole(5), "train.epoch is 5; it must be 4"),
        ("train.epoch", whole(INT64_MAX), "train.epoch is 9223372036854775807; it must be 4"),
        ("train.example", whole(-3), "train.example is -3; it must be in [0, 1440]"),
        ("train.example", whole(-1000000), "train.example is -1000000; it must be in [0, 1440]"),
        ("train.example", whole(1441), "train.example is 1441; it must be in [0, 1440]"),
        ("train.example", whole(3), "train.example is 3; it must be a multiple of 128, or 1440"),
        ("train.step", whole(INT64_MAX), "train.step is 9223372036854775807; it must be 45"),
        ("train.step", whole(49), "train.step is 49; it must be 45"),
        ("train.step", whole(-1), "train.step is -1; it must be 45"),
        ("train.sum_count", whole(0), "train.sum_count is 0; it must be 1152"),
        ("train.sum_correct", whole(-1), "train.sum_correct is -1; it must be in [0, 1152]"),
        ("train.nonfinite_losses", whole(10), "train.nonfinite_losses is 10; it must be in [0, 9]"),
        ("train.nonfinite_losses", whole(INT64_MAX), "train.nonfinite_losses is 9223372036854775"),
        ("train.told_nonfinite", whole(2), "train.told_nonfinite is 2; it must be in [0, 1]"),
        ("train.seconds", number(NAN), "train.seconds is nan; it must be in [0, 1e+10]"),
        ("train.seconds", number(-1), "train.seconds is -1; it must be in [0, 1e+10]"),
        ("train.seconds", number(1e300), "train.seconds is 1e+300; it must be in [0, 1e+10]"),
        ("train.epoch_began", number(INF), "train.epoch_began is inf; it must be in [0, "),
        ("train.lr_factor", number(-1), "train.lr_factor is -1; it must be in [0, 1]"),
        ("train.lr_factor", number(NAN), "train.lr_factor is nan; it must be in [0, 1]"),
        (
            "train.doctor_told",
            word(LAST_VERDICT + 1),
            f"train.doctor_told is {LAST_VERDICT + 1}; it must be in [0, {LAST_VERDICT}]",
        ),
        (
            "train.doctor_seen",
            word(-1),
            f"train.doctor_seen is -1; it must be in [0, {LAST_VERDICT}]",
        ),
        ("train.doctor_warned", word(9), "train.doctor_warned is 9; it must be in [0, 5]"),
        ("train.doctor_warned_at", whole(-(2**63)), "train.doctor_warned_at is -92233720368547758"),
        ("train.doctor_acted_at", whole(INT64_MAX), "train.doctor_acted_at is 92233720368547758"),
    ],
)
def test_numbers_that_no_training_has(place, name, value, told):
    forge(newest(place), {name: value})
    refused(place, INPUT, f"runs/run/checkpoints/{newest(place).name}: {told}")


@pytest.mark.parametrize(
    ("row", "column", "value", "told"),
    [
        (1, 0, NAN, "train.results: row 2 is of epoch nan; it must be 2"),
        (2, 0, 1e300, "train.results: row 3 is of epoch 1e+300; it must be 3"),
        (0, 1, 14, "train.results: row 1 ends at step 14; it must be 12"),
        (2, 1, -INF, "train.results: row 3 ends at step -inf; it must be 36"),
    ],
)
def test_results_that_no_training_has(place, row, column, value, told):
    rows = [[k, k * EVERY, *[0.5] * 7] for k in range(1, EPOCHS)]
    forge(newest(place), {"train.results": number(*sum(rows, []))})
    done = resume(shutil.copytree(place, place.parent / "right"))
    assert done.returncode == OK, done.stderr  # the test's own rows are right
    rows[row][column] = value
    forge(newest(place), {"train.results": number(*sum(rows, []))})
    refused(place, INPUT, told)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"train.log_bytes": "99999999"}, "the run goes on behind byte 99999999"),
        ({"train.log_bytes": "-5"}, "it has no train.log_bytes"),
        (
            {"train.log_bytes": "1"},
            "run.jsonl: no line ends at byte 1, behind which the run goes on",
        ),
        ({"train.events_bytes": "99999999"}, "the run goes on behind byte 99999999"),
    ],
)
def test_places_that_no_log_has(place, texts, told):
    forge(newest(place), texts=texts)
    refused(place, INPUT, told)


@pytest.mark.parametrize("name", ["run.jsonl", "weights.safetensors", "../x", "checkpoints", ".."])
def test_events_that_are_another_file(place, name):
    """Only a file of that kind is taken for the events; where it is none they begin anew."""
    forge(newest(place), texts={"train.events": name})
    (place / "runs/run/weights.safetensors").write_bytes(b"x" * 100000)
    (place / "runs/x").write_bytes(b"x" * 100000)
    done = resume(place, "-q")
    assert done.returncode == OK, done.stderr
    assert (place / "runs/x").read_bytes() == b"x" * 100000
    for line in log(place).read_text().splitlines():
        json.loads(line)


def test_a_finished_run_without_checkpoints(place):
    anew(place, "--set=checkpoint.epochs=0")
    refused(place, INPUT, "runs/run is finished and kept no checkpoint; there is nothing to go on")
    refused(place, INPUT, "runs/run is finished", args=["--set", "epochs=9"])


def test_a_diverged_run_without_checkpoints(place):
    shutil.rmtree(place / "runs")
    hot = ["--set=optimizer=sgd", "--set=schedule.lr=1e30", "--set=checkpoint.epochs=0"]
    assert train("config.yaml", *hot, cwd=place).returncode == 4
    refused(place, INPUT, "runs/run is diverged and kept no checkpoint")


# ---- the data ------------------------------------------------------------------------------------


def rows(text):
    return [line.split(",") for line in text.splitlines()]


def text(table):
    return "\n".join(map(",".join, table)) + "\n"


def half_of_the_rows(table):
    return table[: len(table) // 2]


def columns_in_another_order(table):
    return [[row[1], row[0], *row[2:]] for row in table]


def another_target(table):
    target = table[0].index("kwh")
    table[5][target], table[6][target] = table[6][target], table[5][target]
    return table


@pytest.mark.parametrize("change", [half_of_the_rows, columns_in_another_order, another_target])
def test_data_that_changed(place, change):
    file = place / "energy.csv"
    before = file.read_text()
    file.write_text(text(change(rows(before))))
    assert file.read_text() != before
    refused(place, INPUT, "energy.csv is not what the run in runs/run was trained on: CRC32C ")
    shutil.rmtree(place / "runs/run/checkpoints")  # and where it would start over
    lines = log(place).read_text().splitlines(keepends=True)
    log(place).write_text(lines[0])
    refused(place, INPUT, "energy.csv is not what the run in runs/run was trained on: CRC32C ")
    file.write_text(before)
    assert resume(place).returncode == OK


def test_a_checkpoint_of_other_data(place):
    """Of a run that differs in nothing else."""
    forge(newest(place), texts={"train.data": "00000000"})
    refused(place, INPUT, "was trained on other data: CRC32C 00000000 there, ")


def test_a_run_that_has_no_checksum_of_its_data(place):
    """An older version wrote none."""
    header, *lines = log(place).read_text().splitlines(keepends=True)
    shorter = json.loads(header)
    assert [sorted(file) for file in shorter["data_files"]] == [["bytes", "crc32c", "file"]]
    del shorter["data_files"]
    padded = json.dumps(shorter, separators=(",", ":"))
    log(place).write_text(padded + " " * (len(header) - 1 - len(padded)) + "\n" + "".join(lines))
    forge(newest(place), texts={"train.data": None})
    done = resume(place)
    assert done.returncode == OK, done.stderr


# ---- the log -------------------------------------------------------------------------------------


def test_a_log_that_is_a_pipe(place):
    log(place).unlink()
    os.mkfifo(log(place))
    for command in (["train", "--resume"], ["doctor"], ["report"]):
        done = subprocess.run(
            [RAVINE, *command, place / "runs/run"], capture_output=True, text=True, timeout=10
        )
        assert done.returncode == INPUT
        assert "runs/run/run.jsonl: it is no regular file" in done.stderr


def test_a_first_line_without_an_end(place):
    """It is read up to a limit, and not into all of the memory."""
    log(place).write_bytes(b"x" * (1 << 20) + b"x\n")
    refused(place, INPUT, "runs/run/run.jsonl: the first line is longer than 1048576 bytes")
    log(place).unlink()
    log(place).symlink_to("/dev/zero")
    refused(place, INPUT, "runs/run/run.jsonl: it is no regular file")


def test_a_log_that_is_a_link(place):
    """What would be cut and written lies elsewhere."""
    log(place).rename(place / "elsewhere")
    log(place).symlink_to(place / "elsewhere")
    refused(place, INPUT, "runs/run/run.jsonl: it is a link")


# ---- the end -------------------------------------------------------------------------------------


def test_a_finished_run_says_so(trained):
    before = contents(trained)
    done = resume(trained)
    assert done.returncode == OK and done.stderr == ""
    assert done.stdout == (
        "runs/run is finished: all 4 epochs are done; --set epochs=N trains on\n"
    )
    assert resume(trained, "-q").stdout == ""
    told = json.loads(resume(trained, "--json").stdout)
    assert [e["epoch"] for e in told["epochs"]] == [1, 2, 3, 4] and told["steps"] == 48
    assert contents(trained) == before


@pytest.mark.parametrize("lost", ["weights", "report", "log"])
def test_an_end_that_was_lost(trained, tmp_path, lost):
    """Killed between its last checkpoint and its end: it ends as the run that was not."""
    place = shutil.copytree(trained, tmp_path / "place")
    if lost == "log":
        lines = log(place).read_text().splitlines(keepends=True)
        log(place).write_text("".join(lines[:-1]))
        (place / "runs/run/weights.safetensors").write_text("of an earlier end")
    else:
        next((place / "runs/run").glob(f"{lost}.*")).unlink()
    done = resume(place)
    assert done.returncode == OK, done.stderr

    def end(folder):
        last = json.loads(log(folder).read_text().splitlines()[-1])
        return {k: v for k, v in last.items() if k != "seconds"}

    assert end(place) == end(trained) and end(place)["epoch"] == 4
    names = ["weights.safetensors", "report.html"]
    assert all((place / "runs/run" / name).exists() for name in names)
    weights = "runs/run/weights.safetensors"
    assert (place / weights).read_bytes() == (trained / weights).read_bytes()
