# SPDX-License-Identifier: Apache-2.0
"""action.yml, as a workflow runs it: the step that asks the doctor, with the inputs' defaults."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RAVINE = (ROOT / os.environ.get("RAVINE_BUILD", "build") / "ravine").resolve()
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
ASK = ACTION["runs"]["steps"][-1]
OK, STOPPED, USAGE, INPUT = 0, 1, 2, 3


@pytest.fixture
def ask(tmp_path):
    """Runs the step; its exit code, what it printed, its outputs and its summary."""

    def run(**given):
        inputs = {name: str(how.get("default", "")) for name, how in ACTION["inputs"].items()}
        inputs |= given
        env = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: inputs[m[1]], value)
            for name, value in ASK["env"].items()
        }
        files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        env |= {name: str(file) for name, file in files.items()}
        env |= {"GITHUB_ACTION_PATH": str(ROOT), "RAVINE": str(RAVINE)}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", ASK["run"]],
            cwd=tmp_path,
            env=os.environ | env,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        return done.returncode, done.stdout, outputs, files["GITHUB_STEP_SUMMARY"].read_text()

    return run


def write(path, losses):
    lines = [f"{step},{loss}" for step, loss in enumerate(losses)]
    path.write_text("\n".join(["step,loss", *lines]) + "\n")


def test_a_training_that_is_lost_fails_the_step(ask, tmp_path):
    write(tmp_path / "log.csv", [2, 1.9, *["nan"] * 20])
    code, printed, outputs, summary = ask(path="log.csv")
    assert code == STOPPED
    assert outputs == {"verdict": "nonfinite", "severity": "urgent", "sarif": "ravine.sarif"}
    assert "::error title=NONFINITE::The loss or a gradient is not a number any more" in printed
    assert "    VERDICT  NONFINITE" in summary
    sarif = json.loads((tmp_path / "ravine.sarif").read_text())
    assert sarif["runs"][0]["results"][0]["ruleId"] == "nonfinite"


@pytest.mark.parametrize(("fail_on", "stops"), [("urgent", False), ("warning", True)])
def test_the_least_severity_that_fails(ask, tmp_path, fail_on, stops):
    write(tmp_path / "log.csv", [2 + 0.01 * (k % 3) for k in range(100)])
    code, _, outputs, _ = ask(path="log.csv", fail_on=fail_on)
    assert outputs["severity"] == "warning"
    assert code == (STOPPED if stops else OK)


def test_never_fails(ask, tmp_path):
    write(tmp_path / "log.csv", [2, *["nan"] * 20])
    code, printed, outputs, _ = ask(path="log.csv", fail_on="never")
    assert (code, outputs["verdict"]) == (OK, "nonfinite")
    assert "::error" not in printed


def test_a_column_is_named(ask, tmp_path):
    (tmp_path / "my log.csv").write_text("step,a,b\n" + "".join(f"{k},{k},0\n" for k in range(9)))
    code, printed, _, _ = ask(path="my log.csv")
    assert code == INPUT
    assert "::error::ravine: my log.csv" in printed
    code, _, outputs, _ = ask(path="my log.csv", arguments="--loss b --step step")
    assert (code, outputs["verdict"]) == (STOPPED, "labels_lost")


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"path": "none"}, INPUT, "cannot open none: No such file or directory"),
        ({"path": "none", "fail_on": "note"}, USAGE, "it must be urgent, warning or never"),
        ({"path": "none", "arguments": "--lost x"}, USAGE, "--lost"),
    ],
)
def test_errors_name_what_is_wrong(ask, given, code, text):
    found, printed, outputs, _ = ask(**given)
    assert found == code
    assert printed.startswith("::error::")
    assert text in printed
    assert outputs == {}


def test_what_the_step_needs_is_an_input(ask):
    named = set(re.findall(r"inputs\.(\w+)", json.dumps(ASK["env"])))
    assert named == set(ACTION["inputs"])
    assert (ROOT / "tools/doctor-action").stat().st_mode & 0o111
