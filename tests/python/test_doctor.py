# SPDX-License-Identifier: Apache-2.0
"""`ravine doctor`, and the doctor inside `ravine train`."""

import json
import math
import os
import pathlib
import pty
import re
import shlex
import shutil
import subprocess

import pytest
from command_line import DIVERGED, INPUT, RAVINE, ROOT, USAGE
from doctor_runs import CODES, diagnose, events, log_of, ravine, train
from schema import assert_conforms

IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")
PAGES = sorted((ROOT / "docs/verdicts").glob("[a-z]*.md"))


# ---- the pages of the verdicts -------------------------------------------------------------------


def test_every_verdict_has_its_page_and_its_row():
    words = {page.stem for page in PAGES}
    assert words == set(CODES)
    table = (ROOT / "docs/verdicts/README.md").read_text()
    header = (ROOT / "include/ravine_doctor.h").read_text()
    for word, code in CODES.items():
        row = re.search(rf"^\| \[([A-Z ]+)\]\({word}\.md\) \| (\d+) \| (.*) \|$", table, re.M)
        assert row, word
        assert row[1] == word.upper().replace("_", " ")
        assert int(row[2]) == code
        assert f'"{row[3]}"' in header


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_the_page_shows_its_verdict(page):
    text = page.read_text()
    assert text.startswith(f"# {page.stem.upper().replace('_', ' ')}\n")
    example = re.search(r"^    ravine (doctor --surface .*)$", text, re.M)
    if not example:
        assert page.stem == "unclear" or re.search(
            "^No surface has it|^    ravine train ", text, re.M
        )
        return
    args = [part.strip('"') for part in re.findall(r'"[^"]*"|\S+', example[1])]
    answer = diagnose(*args[1:])
    assert answer["verdict"] == page.stem, answer
    shown = ravine(*args)
    assert f"\n\nVERDICT  {page.stem.upper().replace('_', ' ')} " in shown.stdout
    assert not re.search(r"^ (do|or) +or ", shown.stdout, re.M)


TRAINED = [page for page in PAGES if "\n    ravine train " in page.read_text()]


@pytest.mark.parametrize("page", TRAINED, ids=lambda page: page.stem)
def test_the_training_of_the_page_shows_its_verdict(page, tmp_path):
    (example,) = re.findall(r"^    ravine (train .*)$", page.read_text(), re.M)
    done = ravine(*shlex.split(example), f"--set=runs_dir={tmp_path}", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert diagnose(tmp_path / page.stem)["verdict"] == page.stem


def test_the_table_is_in_the_order_in_which_the_doctor_looks():
    rules = (ROOT / "lib/doctor/judge/judge_rules.def").read_text()
    looked_for = re.findall(r"^VERDICT\((\w+),", rules, re.M)
    table = (ROOT / "docs/verdicts/README.md").read_text()
    named = [word.upper() for word in re.findall(r"^\| \[[A-Z ]+\]\((\w+)\.md\)", table, re.M)]
    assert [name for name in named if name in looked_for] == looked_for


# ---- a surface -----------------------------------------------------------------------------------

BOUNCE = ["--surface", "ravine steep=1 flat=0.01", "--optimizer", "sgd lr=5", "--steps", "1000"]


def test_text_fits_and_has_no_colour_off_a_terminal():
    done = ravine("doctor", *BOUNCE)
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in done.stdout
    verdict = next(k for k, line in enumerate(lines) if line.startswith("VERDICT"))
    labels = [line[:9].strip() for line in lines[verdict + 1 :] if line[:9].strip()]
    assert labels[0] == "why" and "means" in labels and "do" in labels
    order = ["why", "means", "do", "or", "not", "also", "cannot", "next"]
    assert labels == sorted(labels, key=order.index)


SENTENCE = "Each step undoes the last one: the rate is too high for the steepest direction."
SENTENCE_ZH = "每一步都抵消了上一步：对最陡的方向来说学习率太大。"
SENTENCE_TW = "每一步都抵消了上一步：對最陡的方向來說學習率太大。把學習率從 5 降到 1.2。"


def test_a_plain_sentence_comes_first():
    """Before all numbers, in the reader's language; for programs in both."""
    english = {"LC_ALL": "C.UTF-8"}
    shown = " ".join(ravine("doctor", *BOUNCE, env=english).stdout.split())
    assert shown.startswith(f"{SENTENCE} Lower lr from 5 to 1.2. VERDICT BOUNCING ")
    for chosen, sentence in (
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8"}, SENTENCE_TW),
        ({"LC_ALL": "zh_CN.UTF-8"}, f"{SENTENCE_ZH}把学习率从 5 降到 1.2。"),
    ):
        lines = ravine("doctor", *BOUNCE, env=chosen).stdout.splitlines()
        verdict = next(k for k, line in enumerate(lines) if line.startswith("VERDICT"))
        assert "".join(lines[:verdict]) == sentence
    answer = diagnose(*BOUNCE)
    assert answer["severity"] == "warning"
    assert answer["sentence"] == f"{SENTENCE} Lower lr from 5 to 1.2."
    assert answer["sentence_zh"] == f"{SENTENCE_ZH}把学习率从 5 降到 1.2。"
    first = answer["cures"][0]
    assert (first["kind"], first["old_value"], first["new_value"]) == ("lower_lr", 5, 1.2)


def test_colour_on_a_terminal_unless_no_color():
    def shown(**env):
        leader, follower = pty.openpty()
        subprocess.run(
            [RAVINE, "doctor", *BOUNCE],
            stdout=follower,
            env={**os.environ, "TERM": "xterm", **env},
            timeout=60,
            check=False,
        )
        os.close(follower)
        out = b""
        try:
            while chunk := os.read(leader, 4096):
                out += chunk
        except OSError:
            pass
        os.close(leader)
        return out

    assert b"\x1b[1;33mVERDICT" in shown(NO_COLOR="")
    assert b"\x1b" not in shown(NO_COLOR="1")


def test_cures_are_tried_and_sorted():
    answer = diagnose(*BOUNCE, "--try", "--try-steps", "200")
    tried = [cure for cure in answer["cures"] if cure["tried"]]
    assert tried
    ratios = [cure["loss_ratio"] for cure in tried]
    assert ratios == sorted(ratios)
    assert ratios[-1] <= 1.02  # what did harm is not shown
    assert ratios[0] < 0.9
    assert set(tried[0]["settings"]) & {"optimizer", "schedule.lr"}
    text = ravine("doctor", *BOUNCE, "--try", "--try-steps", "200").stdout
    assert "tried: after 200 steps" in re.sub(r"\s+", " ", text)


def test_probe_gives_the_certificate_of_a_saddle():
    args = ["--surface", "saddle", "--start", "1,0", "--optimizer", "sgd lr=0.1", "--steps", "1000"]
    answer = diagnose(*args, "--probe")
    assert answer["verdict"] == "saddle"
    assert math.isclose(answer["evidence"]["lambda_min"], -1, rel_tol=1e-6)  # x^2/2 - y^2/2
    without = diagnose(*args)
    assert without["verdict"] != "saddle" and without["cannot_tell"]


@pytest.mark.parametrize(
    "args, part",
    [
        ([], "PATH"),
        (["runs/x", "--surface", "lecture"], "not at both"),
        (["--surface", "lecture"], "--optimizer"),
        (["--surface", "lecture", "--optimizer", "sgd", "--optimizer", "adam"], "one --optimizer"),
        (["--surface", "lecture", "--optimizer", "sdg"], "nearest known is sgd"),
        (["--surface", "lectur", "--optimizer", "sgd"], "lecture"),
        (["--surface", "lecture", "--optimizer", "sgd", "--start", "1"], "2 coordinates"),
        (["--surface", "lecture", "--optimizer", "sgd", "--at", "3"], "--at"),
        (["runs/x", "--steps", "3"], "--surface"),
        (["runs/x", "--at", "3", "--probe"], "--at"),
    ],
)
def test_usage(args, part):
    done = ravine("doctor", *args)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert done.stderr.startswith("ravine: ") and done.stderr.count("\n") == 1
    assert part in done.stderr


def test_no_such_run(tmp_path):
    done = ravine("doctor", tmp_path / "none")
    assert done.returncode == INPUT
    assert "none: No such file" in done.stderr


# ---- a run ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slow_run(tmp_path_factory):
    """A learning rate ten thousand times too small."""
    return train(tmp_path_factory.mktemp("slow"), "optimizer=sgd lr=1e-6", "epochs=80")


@pytest.fixture(scope="module")
def good_run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("good"), "optimizer=adam lr=0.003", "epochs=40")


def test_units_killed_by_a_long_step(tmp_path):
    """A step without gradients is decay alone, whatever its weight: that is not to blame."""
    example = ROOT / "examples/table_energy.yaml"
    settings = ["--set=lr=3", f"--set=runs_dir={tmp_path}", "--set=name=hot"]
    assert ravine("train", example, *settings).returncode == 0
    answer = diagnose(tmp_path / "hot")
    assert answer["verdict"] == "dead", answer
    assert "start again, with lr 0.3 instead of 3" in answer["cures"][0]["text"], answer["cures"]
    assert not any("weight_decay" in cure["text"] for cure in answer["cures"])


def test_too_small_a_learning_rate(slow_run):
    run, done = slow_run
    answer = diagnose(run)
    assert answer["verdict"] == "crawling", answer
    assert answer["step"] == 80 * 12
    assert "doctor: ! CRAWLING" in done.stdout
    assert f"ravine doctor {run}" in done.stdout
    assert [e["verdict"] for e in events(run, "verdict")][-1] == "crawling"


def test_try_finds_what_helps_and_the_page_shows_it(slow_run):
    run, _ = slow_run
    before = (run / "run.jsonl").read_bytes()
    answer = diagnose(run, "--try", "--try-steps", "100")
    assert answer["verdict"] == "crawling"
    assert answer["cures"][0]["tried"] and answer["cures"][0]["loss_ratio"] < 0.9
    after = (run / "run.jsonl").read_bytes()
    assert after.startswith(before)  # and one line more
    line = json.loads(after[len(before) :])
    assert_conforms(line, "doctor", "line")
    assert line["verdict"] == "crawling" and line["tried_steps"] == 100
    assert [c["loss_ratio"] for c in line["cures"]] == [c["loss_ratio"] for c in answer["cures"]]
    assert len(line["probe"]["along_max"]["loss"]) > 10
    first = (run / "report.html").read_text()
    (run / "report.html").unlink()
    told = ravine("report", run).stdout  # which has the log alone
    page = (run / "report.html").read_text()
    assert page == first
    for words in ("tried: after 100 steps", "Slices of the loss"):
        assert words in page
    assert "doctor: ! CRAWLING (confidence " in told
    assert f"{answer['cures'][0]['text']} [tried: after 100 steps" in " ".join(told.split())
    (seen,) = json.loads(ravine("report", run, "--json").stdout)["runs"]
    assert seen["tried_steps"] == 100 and seen["verdict"] == "crawling"
    assert seen["severity"] == "warning" and seen["sentence"] == answer["sentence"]
    assert seen["sentence_zh"] == answer["sentence_zh"]
    assert [c["loss_ratio"] for c in seen["cures"]] == [c["loss_ratio"] for c in answer["cures"]]


def test_what_was_found_is_of_its_moment(tmp_path):
    """Training that goes on leaves it behind."""
    run, _ = train(tmp_path, "optimizer=sgd lr=1e-6", "epochs=3")
    diagnose(run, "--try", "--try-steps", "20")
    assert "tried: after 20 steps" in (run / "report.html").read_text()
    done = ravine("train", "-q", "--resume", run, "--set=epochs=4")
    assert done.returncode == 0, done.stderr
    assert not [line for line in log_of(run) if line.get("type") == "doctor"]
    assert "tried: after" not in (run / "report.html").read_text()


def test_what_was_found_cannot_be_kept(tmp_path):
    """The answer is given all the same."""
    run, _ = train(tmp_path, "optimizer=sgd lr=1e-6", "epochs=3")
    whole = (run / "run.jsonl").read_bytes()
    reasons = {
        whole[:-1]: "the last line has no end",
        whole + b"no JSON\n": "is not right from line ",
    }
    for log, reason in reasons.items():
        (run / "run.jsonl").write_bytes(log)
        done = ravine("doctor", run, "--probe")
        assert "\nVERDICT  " in done.stdout and done.returncode in CODES.values()
        assert "ravine: what was found is not kept: " in done.stderr and reason in done.stderr
        assert (run / "run.jsonl").read_bytes() == log


def test_a_run_that_is_being_trained(tmp_path):
    """Its log is its own; it can be looked at."""
    settings = [
        "optimizer=sgd lr=1e-6",
        "epochs=1000000",
        f"runs_dir={tmp_path}",
        "model.widths=[8]",
    ]
    table = ["format=csv", f"file={ROOT}/examples/data/energy.csv", "target=kwh", "task=regression"]
    sets = [f"--set={s}" for s in [*settings, *(f"data.{t}" for t in table)]]
    process = subprocess.Popen([RAVINE, "train", "-q", "-n", "run", *sets], stderr=subprocess.PIPE)
    try:
        while not list(tmp_path.glob("run/checkpoints/step-*")):
            assert process.poll() is None
        done = ravine("doctor", tmp_path / "run", "--probe")
        assert "\nVERDICT  " in done.stdout, done.stderr
        assert "not kept: " in done.stderr and "another process writes it" in done.stderr
    finally:
        process.kill()
        process.communicate()


def test_nothing_to_probe(tmp_path):
    """Where the parameters are lost the answer is the log's, and says what could not be seen."""
    blown = ["optimizer=sgd", "schedule.lr=1e12", "model.widths=[16,16]", "epochs=2"]
    run, _ = train(tmp_path, *blown, "checkpoint.steps=1", "checkpoint.keep=99", code=DIVERGED)
    why = "how the loss curves: the gradient of layer1.weight is not finite"
    for step in (1, 11):
        place = shutil.copytree(run, tmp_path / str(step))
        for file in (place / "checkpoints").iterdir():
            if file.name != f"step-{step:08}.safetensors":
                file.unlink()
        plain = diagnose(place)
        answer = diagnose(place, "--probe", "--full")
        assert answer["verdict"] == plain["verdict"] == "diverging"
        assert not any(cure["tried"] for cure in answer["cures"])
        assert any(why in text for text in answer["cannot_tell"]), answer


ALL = ["data.validation_share=0"]


def test_a_lost_run_is_tried_from_its_start(tmp_path):
    """From where it is nothing leads back, at no rate; begun anew at another one it learns."""
    lost = {
        "rate": (["optimizer=sgd lr=100", "epochs=2"], DIVERGED, "diverging", "begin_anew"),
        "first": ([*ALL, "optimizer=adam lr=1", "epochs=10"], 0, "warmup_needed", "begin_anew"),
        "beta2": (["optimizer=adam lr=0.1 beta2=0.1", "epochs=20"], 0, "diverging", "raise_beta2"),
    }
    for name, (settings, code, verdict, kind) in lost.items():
        run, _ = train(tmp_path, *settings, name=name, code=code)
        answer = diagnose(run, "--try")
        best = answer["cures"][0]
        assert (answer["verdict"], best["kind"]) == (verdict, kind), answer
        assert best["tried"] and best["loss_ratio"] < 0.1
        assert any("cures were tried from its start" in text for text in answer["cannot_tell"])
        assert "\n next" not in ravine("doctor", run, "--try").stdout


def test_data_that_changed(tmp_path):
    table = shutil.copy(ROOT / "examples/data/energy.csv", tmp_path)
    run, _ = train(tmp_path, f"data.file={table}", "epochs=2")
    pathlib.Path(table).write_text(pathlib.Path(table).read_text().replace("1", "2"))
    done = ravine("doctor", run, "--probe")
    assert done.returncode == INPUT
    assert f"{table} is not what the run in {run} was trained on" in done.stderr
    assert ravine("doctor", run).returncode in CODES.values()  # which needs no data


def test_a_healthy_run_exits_with_0(good_run):
    run, done = good_run
    assert diagnose(run, "--at", "260")["verdict"] == "healthy"
    assert "doctor: " in done.stdout
    assert done.stderr == ""  # not a terminal: no live verdicts


@pytest.mark.skipif(not IMAGES.exists(), reason="no Fashion-MNIST")
def test_a_loss_that_was_thrown_far_is_not_well_because_it_came_down(tmp_path):
    """A rate a thousand times too high: at the end the loss is below its start again."""
    ravine(
        *("train", ROOT / "examples/fashion_mlp.yaml", "--set", "epochs=2"),
        *("--set", "schedule.lr=constant lr=3", "--set", "name=hot"),
        cwd=tmp_path,
    )
    log = log_of(tmp_path / "runs/hot")
    epochs = [line["validation"]["loss"] for line in log if line.get("type") == "epoch"]
    losses = [line["loss"] for line in log if "grad_norm" in line]
    assert max(losses) > 1000 * losses[0] and epochs[-1] < 0.9 * epochs[0]
    found = diagnose("runs/hot", cwd=tmp_path)
    assert found["verdict"] == "warmup_needed"
    first = found["cures"][0]
    assert first["kind"] == "begin_anew" and first["old_value"] == 3
    assert 0.003 < first["new_value"] < 0.3


def test_at_looks_at_nothing_later(good_run, tmp_path):
    run, _ = good_run
    lines = (run / "run.jsonl").read_text().splitlines(keepends=True)
    kept = [x for x in lines if json.loads(x).get("step", 0) <= 130]
    (tmp_path / "run.jsonl").write_text("".join(kept))
    assert diagnose(run, "--at", "130") == diagnose(tmp_path)


def test_a_log_of_an_older_version(slow_run, tmp_path):
    run, _ = slow_run
    keep = ["step", "epoch", "loss", "lr", "grad_norm", "update_norm", "param_norm", "seconds"]
    lines = [line if "type" in line else {key: line[key] for key in keep} for line in log_of(run)]
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    answer = diagnose(tmp_path)
    assert any("how often signs change" in text for text in answer["cannot_tell"])
    probed = diagnose(tmp_path, "--probe")  # without a checkpoint: from the start
    assert any("there is no checkpoint" in text for text in probed["cannot_tell"])


def test_the_log_has_every_statistic(good_run):
    run, _ = good_run
    header = (ROOT / "include/ravine.h").read_text()
    block = header[header.index("#define RAVINE_STATISTIC_LIST") :]
    block = block[: block.index("/*")]
    names = re.findall(r"X\((\w+),", block)[0:]
    steps = [line for line in log_of(run) if "type" not in line]
    assert len(names) >= 10
    for name in [*names, "path_efficiency"]:
        assert all(name in step for step in steps), name
    last = steps[-1]
    assert 0 <= last["sign_change_rate"] <= 1 and 0 <= last["zero_share"] <= 1
    assert -1.5 < last["line_position"] < 20 and 0 <= last["path_efficiency"] <= 1
    groups = log_of(run)[0]["groups"]
    for key in ("group_sign_change_rate", "group_zero_share"):
        assert len(last[key]) == len(groups)
        assert all(value is None or round(value, 4) == value for value in last[key])


def test_without_a_doctor_nothing_is_said(tmp_path):
    run, done = train(tmp_path, "doctor.watch=false", "epochs=2")
    assert "doctor:" not in done.stdout
    assert not events(run, "verdict")
    assert all(line["sign_change_rate"] is None for line in log_of(run) if "type" not in line)


def test_the_same_weights_with_a_doctor_and_without(tmp_path):
    settings = ["epochs=3", "optimizer=adam lr=0.01"]
    a, _ = train(tmp_path, *settings, name="a")
    b, _ = train(tmp_path, *settings, "doctor.watch=false", name="b")
    weights = "weights.safetensors"
    assert (a / weights).read_bytes() == (b / weights).read_bytes()


# ---- what a probe costs --------------------------------------------------------------------------

COST = r"about (\d+) gradients of (\d+) examples: ([\d.e+]+) % of what the run cost"


def cost_of(run, *options):
    done = ravine("doctor", run, "--probe", *options)
    told = re.search(COST, done.stderr)
    assert told, done.stderr
    return int(told[1]) * int(told[2]), float(told[3]), done.stdout


@pytest.mark.parametrize("epochs", [20, 80, 800])
def test_a_probe_costs_a_tenth_of_the_run(tmp_path, epochs):
    run, _ = train(tmp_path, "optimizer=sgd lr=1e-6", f"epochs={epochs}", "log_every=100")
    cost, percent, answer = cost_of(run)
    assert cost <= epochs * 12 * 128 / 10 and percent <= 10
    assert percent > 2  # and it is not coarser than it need be
    assert "the curvature any finer: the probe looked at " in " ".join(answer.split())
    full, percent, answer = cost_of(run, "--full")
    assert full > 250 * 1024 and math.isclose(percent, full / (epochs * 12 * 1.28), rel_tol=0.1)
    assert "any finer" not in " ".join(answer.split())


def test_a_run_that_is_too_short_for_a_probe(tmp_path):
    run, _ = train(tmp_path, "epochs=1")
    done = ravine("doctor", run, "--probe")
    assert done.stderr == ""
    assert "too little for a probe; --full probes all the same" in " ".join(done.stdout.split())
    cost_of(run, "--full")


def test_full_of_what(slow_run):
    done = ravine("doctor", slow_run[0], "--full")
    assert done.returncode == USAGE and "--full goes with --probe or --try" in done.stderr


def test_a_trial_shows_how_far_it_is(slow_run):
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAVINE_")} | {"TERM": "xterm"}
    with open(os.devnull, "w") as nowhere:
        command = [RAVINE, "doctor", slow_run[0], "--try", "--try-steps", "100000"]
        subprocess.run(command, stdout=nowhere, stderr=theirs, env=env, timeout=60, check=False)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the end, on Linux
        pass
    os.close(ours)
    # The probe is done in less than a second on most machines, and then shows nothing.
    assert re.search(rb"\rtrying cures: [\d,]+ of [\d,]+ evaluations or so", shown)
    assert re.search(rb"\r\x1b\[K$", shown)  # nothing stays
