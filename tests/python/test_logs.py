# SPDX-License-Identifier: Apache-2.0
"""`ravine doctor PATH` on the logs of other programs, as a person asks it."""

import json
import math
import os
import random
import signal
import subprocess
import time
import urllib.parse

import pytest
from command_line import RAVINE, ravine
from doctor_runs import CODES, diagnose
from schema import assert_conforms

USAGE, INPUT = 2, 3


def history(points, every=10, level=1.0, **more):
    """Entries of log_history whose loss falls."""
    noise = random.Random(1)
    return [
        {
            "step": every * k,
            "epoch": k / 10,
            "loss": level + 2 * math.exp(-4 * k / points) + 0.02 * noise.gauss(0, 1),
            "learning_rate": 1e-4,
            "grad_norm": 1.5,
            **more,
        }
        for k in range(1, points + 1)
    ]


def write_state(path, entries, **more):
    state = {"global_step": 1, "logging_steps": 10, "log_history": entries, **more}
    path.write_text(json.dumps(state))
    return path


def say(path, *options):
    """The answer for people, in one line."""
    done = ravine("doctor", path, *options)
    assert done.stderr == ""
    return " ".join(done.stdout.split()), done.returncode


def test_a_healthy_log(tmp_path):
    path = write_state(tmp_path / "trainer_state.json", history(60))
    text, code = say(path)
    assert code == 0
    assert text.startswith("Training goes well")
    assert "read Hugging Face trainer_state.json, 60 points" in text
    assert "step: step, loss: loss, lr: learning_rate, grad_norm: grad_norm, epoch: epoch" in text
    assert 'no held-out loss is in the log; set eval_strategy="steps", eval_steps=100' in text
    assert "each is the mean of 10 steps; set logging_steps=1" in text
    assert "ravine.watch(optimizer, model)" in text


def test_a_lost_one(tmp_path):
    entries = history(30) + [
        {"step": 310 + k, "loss": math.nan, "grad_norm": math.inf} for k in range(3)
    ]
    path = write_state(tmp_path / "trainer_state.json", entries)
    answer = diagnose(path)
    assert answer["verdict"] == "nonfinite" and answer["evidence"]["lost_at"] == 310
    assert answer["log"]["taken"]["loss"] == "loss" and answer["log"]["taken"]["scale"] is None
    assert answer["cures"][0]["kind"] == "look_at_domain"
    assert say(path, "--at", 300)[1] == 0  # it was well until then


@pytest.mark.parametrize("warm_up", [False, True])
def test_a_rate_that_leapt_is_the_one_to_go_back_from(tmp_path, warm_up):
    """A warm-up is no leap, however steep; where there is one, a tenth of it is no cure."""
    entries = history(60)
    for k, entry in enumerate(entries):
        entry["learning_rate"] = min(1, 10.0 ** (k - 3)) if warm_up else 1e-3 if k < 30 else 1.0
        if k >= 33:
            entry["loss"] = math.nan
    text, _ = say(write_state(tmp_path / "trainer_state.json", entries))
    if warm_up:
        assert "leapt" not in text and "with lr 0.1 instead of 1" in text
    else:
        assert "lr leapt from 0.001 to 1 at step 310" in text
        assert "with lr 0.001 instead of 1" in text


def test_columns_by_name(tmp_path):
    path = tmp_path / "odd.csv"
    rows = "".join(f"{k},{3 - 0.02 * k},{2 - 0.01 * k},0.1\n" for k in range(100))
    path.write_text("when,objective,other,speed\n" + rows)
    done = ravine("doctor", path)
    assert done.returncode == INPUT
    assert "no name in it is that of a training loss" in done.stderr
    assert "objective, other" in done.stderr
    answer = diagnose(path, "--loss", "objective", "--step", "when", "--lr", "speed")
    assert answer["verdict"] == "healthy"
    assert [answer["log"]["taken"][key] for key in ("step", "loss", "lr")] == [
        "when",
        "objective",
        "speed",
    ]


def test_a_run_of_ours_is_no_log(run_folder):
    assert diagnose(run_folder)["log"] is None
    done = ravine("doctor", run_folder, "--loss", "loss")
    assert done.returncode == USAGE and "another program" in done.stderr


@pytest.mark.parametrize(
    "options, part",
    [
        (["--probe"], "a log and no more"),
        (["--try"], "a log and no more"),
        (["--follow", "--json"], "three answers"),
        (["--sarif", "--json"], "three answers"),
        (["--follow", "--at", 3], "--follow watches"),
        (["--lr", "LR"], "--lr LR is not in the log"),
    ],
)
def test_usage(tmp_path, options, part):
    path = write_state(tmp_path / "trainer_state.json", history(20))
    done = ravine("doctor", path, *options)
    assert done.returncode == USAGE and done.stdout == ""
    assert done.stderr.count("\n") == 1 and part in done.stderr


def test_a_folder_without_a_log(tmp_path):
    done = ravine("doctor", tmp_path)
    assert done.returncode == INPUT
    assert "no log in it" in done.stderr and "trainer_state.json" in done.stderr


def test_no_terminal_codes_of_a_file_reach_the_terminal(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("step,\033[31mloss\n1,3\n2,2\n3,1\n")
    done = ravine("doctor", path)
    assert "\033" not in done.stdout + done.stderr


# ---- SARIF ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "level, kind, word", [("error", "fail", "nonfinite"), ("none", "pass", "healthy")]
)
def test_sarif(tmp_path, level, kind, word):
    lost = [{"step": 999, "loss": math.nan}] if word == "nonfinite" else []
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = write_state(folder / "trainer_state.json", history(60) + lost)
    done = ravine("doctor", path, "--sarif")
    assert done.returncode == CODES[word]
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    (result,) = run["results"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "ravine doctor"
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == word
    assert (result["level"], result["kind"]) == (level, kind)
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert location == urllib.parse.quote(str(path))
    assert result["message"]["text"]


# ---- a log that grows ----------------------------------------------------------------------------


class Follower:
    """`ravine doctor --follow PATH` in the background."""

    def __init__(self, path):
        environment = {**os.environ, "LC_ALL": "C"}
        self.process = subprocess.Popen(
            [RAVINE, "doctor", "--follow", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def line(self, seconds=30):
        """The next line on stdout."""
        timer = time.monotonic() + seconds
        os.set_blocking(self.process.stdout.fileno(), False)
        text = ""
        while not text.endswith("\n") and time.monotonic() < timer:
            text += self.process.stdout.readline() or ""
            time.sleep(0.05)
        return text

    def end(self):
        """Exit code, and what is on stdout and stderr, after SIGINT."""
        self.process.send_signal(signal.SIGINT)
        os.set_blocking(self.process.stdout.fileno(), True)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def test_follow_a_file_that_is_written_anew(tmp_path):
    path = tmp_path / "trainer_state.json"
    follower = Follower(path)
    time.sleep(0.3)  # there is no file yet
    write_state(path, history(40))
    line = follower.line()
    assert line.startswith("step 400  HEALTHY (confidence ")
    write_state(path, history(50))  # nothing new to say
    time.sleep(2)
    write_state(path, history(50) + [{"step": 510, "loss": math.nan, "grad_norm": math.nan}])
    assert follower.line().startswith("step 510  !! NONFINITE (confidence ")
    code, out, err = follower.end()
    assert code == CODES["nonfinite"]
    assert "VERDICT  NONFINITE" in out and "HEALTHY" not in out
    assert err.count("waiting: ") <= 2 and "No such file" in err


def test_follow_a_file_that_grows(tmp_path):
    path = tmp_path / "log.jsonl"
    entries = [json.dumps(entry) + "\n" for entry in history(60)]
    path.write_text("".join(entries[:30]) + entries[30][:10])
    follower = Follower(path)
    assert "HEALTHY" in follower.line()
    path.write_text("".join(entries) + '{"step": 610, "loss": Infinity}\n')
    assert "NONFINITE" in follower.line()
    assert follower.end()[0] == CODES["nonfinite"]


def test_follow_ends_when_nobody_reads(tmp_path):
    path = write_state(tmp_path / "trainer_state.json", history(40))
    follower = Follower(path)
    assert "HEALTHY" in follower.line()
    follower.process.stdout.close()
    write_state(path, history(40) + [{"step": 410, "loss": math.nan, "grad_norm": math.nan}])
    assert follower.process.wait(timeout=30) == CODES["nonfinite"]


def test_follow_what_never_comes(tmp_path):
    follower = Follower(tmp_path / "none")
    time.sleep(1.5)
    code, out, err = follower.end()
    assert code == INPUT and out == ""
    assert err.count("\n") == 2  # once that it waits, once at the end


# ---- a page of them ------------------------------------------------------------------------------


def test_a_report_of_several_logs(tmp_path, run_folder):
    write_state(tmp_path / "trainer_state.json", history(60) + [{"step": 600, "eval_loss": 1.25}])
    table = tmp_path / "mine.csv"
    table.write_text("step,cost\n" + "".join(f"{k},{3 - 0.02 * k}\n" for k in range(100)))
    logs = [tmp_path / "trainer_state.json", run_folder]
    done = ravine("report", *logs, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert_conforms(report, "report")
    log, run = report["runs"]
    assert (log["state"], log["verdict"], log["steps"]) == ("log", "healthy", 600)
    assert log["validation_loss"]["last"] == 1.25 and log["lr_peak"] == 1e-4
    assert run["state"] == "finished"
    done = ravine("report", table, "--loss", "cost", cwd=tmp_path)
    assert done.returncode == 0 and "page: report.html" in done.stdout
    page = (tmp_path / "report.html").read_text()
    assert "mine.csv" in page and "HEALTHY" in page and "cost" in page
    done = ravine("report", table)
    assert done.returncode == INPUT and "--loss NAME" in done.stderr


def test_follow_a_run_of_ours(tmp_path, run_folder):
    lines = (run_folder / "run.jsonl").read_text().splitlines(keepends=True)
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.jsonl").write_text("".join(lines[:20]))
    follower = Follower(run)
    first = follower.line()
    assert first.startswith("step ")
    (run / "run.jsonl").write_text("".join(lines))
    time.sleep(2.5)
    code, out, _ = follower.end()
    last = diagnose(run)
    assert code == CODES[last["verdict"]]
    assert f"step {last['step']}" in " ".join(out.split())
