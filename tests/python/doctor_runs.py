# SPDX-License-Identifier: Apache-2.0
"""`ravine doctor` and `ravine train`, run as a person runs them, for tests of the doctor."""

import functools
import json
import re

import command_line
from command_line import DIVERGED, ROOT
from schema import assert_conforms

ravine = functools.partial(command_line.ravine, timeout=120)


def exit_codes():
    """Verdict and exit code of every row of the list in the header."""
    header = (ROOT / "include/ravine_doctor.h").read_text()
    rows = re.findall(r'X\([A-Z_]+, (\d+), ([A-Z]+),\s*\\?\s*"(\w+)",', header)
    return {word: 0 if of in ("FINE", "NOTE") else 10 + int(value) for value, of, word in rows}


CODES = exit_codes()


def diagnose(*args, cwd=None):
    """The object of --json, checked: schema, exit code, silence on stderr."""
    done = ravine("doctor", *args, "--json", cwd=cwd)
    assert done.stderr == "", done.stderr
    answer = json.loads(done.stdout)
    assert_conforms(answer, "doctor")
    assert done.returncode == CODES[answer["verdict"]]
    return answer


def train(folder, *settings, name="run", code=0, options=()):
    """A small regression: 1,440 homes, 12 steps an epoch. Returns the run's folder. `code` None: it
    may diverge."""
    table = {
        "data.format": "csv",
        "data.file": ROOT / "examples/data/energy.csv",
        "data.target": "kwh",
        "data.task": "regression",
        "model.widths": "[16]",
        "log_every": 1,
        "runs_dir": folder,
    }
    sets = [f"--set={k}={v}" for k, v in table.items()] + [f"--set={s}" for s in settings]
    done = ravine("train", *sets, "--name", name, *options)
    assert done.returncode == code or (code is None and done.returncode in (0, DIVERGED)), (
        done.stderr
    )
    return folder / name, done


def log_of(run):
    return [json.loads(line) for line in (run / "run.jsonl").read_text().splitlines()]


def events(run, kind):
    return [line for line in log_of(run) if line.get("event") == kind]
