# SPDX-License-Identifier: Apache-2.0
"""`ravine report`: its numbers against the log, and where its page goes."""

import json
import os
import re
import signal
import statistics
import subprocess
import time

import pytest
from conftest import RAVINE, ROOT, assert_quiet, wait_for
from report_pages import charts, click, header, report, two_runs, visit, write_log
from selenium.webdriver.common.by import By


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return two_runs(tmp_path_factory.mktemp("report"))


def test_numbers(runs):
    log = [json.loads(line) for line in open(runs[0] / "run.jsonl", encoding="ascii")]
    steps = [line for line in log if "type" not in line]
    epochs = [line for line in log if line.get("type") == "epoch"]
    loss = [line["loss"] for line in steps]
    norm = [line["grad_norm"] for line in steps]
    (run,) = json.loads(report(runs[0], "--json").stdout)["runs"]
    assert run["name"] == "long" and run["state"] == "finished" and run["stopped"] is None
    assert run["steps"] == run["total_steps"] == len(steps) and run["epochs"] == 4
    assert run["lines"] == len(log)
    assert run["seconds"] == steps[-1]["seconds"]
    assert run["train_loss"] == pytest.approx(statistics.mean(loss[-200:]), rel=1e-12)
    assert run["validation_loss"] == {"last": 0.25, "best": 0.25, "best_epoch": 4}
    assert run["validation_accuracy"]["best"] == epochs[-1]["validation"]["accuracy"]
    assert run["test_loss"] == 0.375 and run["test_accuracy"] == 0.75
    assert run["lr_peak"] == steps[0]["lr"] and run["lr_peak_step"] == 1
    assert run["grad_norm_max"] == max(norm)
    assert run["grad_norm_max_step"] == steps[norm.index(max(norm))]["step"]
    assert run["grad_norm_end"] == pytest.approx(statistics.median(norm[-200:]), rel=1e-12)
    fall = 1 - statistics.mean(loss[-2000:]) / statistics.mean(loss[-4000:-2000])
    assert run["loss_fall"] == pytest.approx(fall, rel=1e-9)
    assert not (runs[0] / "report.html").exists()  # --json writes numbers only


def test_a_page_goes_where_it_is_sent(runs, tmp_path):
    report(*runs, cwd=tmp_path)
    page = (tmp_path / "report.html").read_bytes()
    assert page == report(*runs, "-o", "-").stdout
    assert page.count(b"</html>") == 1 and page.endswith(b"</html>\n")


def test_train_writes_a_report(browser, run_folder):
    visit(browser, run_folder / "report.html")
    assert browser.find_element(By.TAG_NAME, "h1").text == "energy"
    assert "Root mean square error" in browser.find_element(By.CSS_SELECTOR, "#score h3").text
    assert_quiet(browser)


def test_an_interrupted_training_has_its_report(tmp_path):
    settings = {
        "epochs": 100_000,
        "runs_dir": tmp_path,
        "name": "stopped",
        "data.format": "csv",
        "data.file": ROOT / "examples/data/energy.csv",
        "data.target": "kwh",
        "data.task": "regression",
        "model.widths": "[16]",
    }
    arguments = [f"--set={key}={value}" for key, value in settings.items()]
    training = subprocess.Popen([RAVINE, "train", *arguments, "--quiet"], stderr=subprocess.PIPE)
    folder = tmp_path / "stopped"
    wait_for(lambda: (folder / "run.jsonl").exists(), "the run has begun")
    time.sleep(0.5)
    training.send_signal(signal.SIGINT)
    told = training.communicate(timeout=30)[1]
    assert training.returncode == 130 and b"interrupted at step" in told
    assert b"interrupted" in (folder / "report.html").read_bytes()


def test_hostile_names(browser, tmp_path):
    evil = "<script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"
    name = "x\x1b]0;owned\x07\u202e</script><img src=x onerror=alert(1)>".replace("/", "\u2044")
    folder = write_log(tmp_path / name, 40, optimizer=evil + "\u202egnp\x1b[31m", **{evil: evil})
    text = (folder / "run.jsonl").read_text()
    groups = json.dumps([{"name": "</script>" + evil}, {"name": "\x1b[2J"}])
    (folder / "run.jsonl").write_text(
        re.sub(r'"groups": \[.*?\]', lambda _: f'"groups": {groups}', text, count=1)
    )
    done = report(folder)
    for byte in done.stdout + done.stderr:
        assert byte == 0x0A or byte >= 0x20 and byte != 0x7F
    assert "\u202e" not in done.stdout.decode()
    assert r"x\x1B]0;owned\x07\u{202E}" in done.stdout.decode()
    visit(browser, folder / "report.html")
    assert "hacked" not in browser.title.replace("document.title='hacked'", "")
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert r"\u{202E}" in browser.find_element(By.TAG_NAME, "h1").text
    assert "\u202e" not in browser.page_source and "\x1b" not in browser.page_source
    assert evil in browser.find_element(By.ID, "config").text
    assert evil in browser.find_element(By.CSS_SELECTOR, "#ratio .legend").text
    assert_quiet(browser)


def test_cut_and_broken_logs(browser, tmp_path):
    folder = write_log(tmp_path / "cut", 400)
    log = folder / "run.jsonl"
    whole = log.read_bytes()
    lines = whole.split(b"\n")
    before = sum(len(line) + 1 for line in lines[:300])
    for data, why in [
        (whole[: before + 50], "cut off"),
        (b"\n".join(lines[:300] + [b"\x00\x01garbage"] + lines[301:]), "expected"),
        (b"\n".join(lines[:300] + [b'{"step":1}'] + lines[301:]), "step 1 follows step"),
    ]:
        log.write_bytes(data)
        done = report(folder)
        told = done.stderr.decode()
        assert told.count("\n") == 1 and f"line 301 on, byte {before}" in told and why in told
        assert "unfinished" in done.stdout.decode()
        visit(browser, folder / "report.html")
        assert "line 301 on" in browser.find_element(By.CSS_SELECTOR, "p.warn").text
        stopped = json.loads(report(folder, "--json").stdout)["runs"][0]["stopped"]
        assert stopped["line"] == 301 and stopped["byte"] == before and why in stopped["why"]
    assert_quiet(browser)


def test_what_is_no_run(tmp_path):
    for name, text, why in [
        ("empty", b"", "empty"),
        ("other", b'{"a": 1}\n', "no header"),
        ("binary", bytes(range(256)), "not JSON"),
    ]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.jsonl").write_bytes(text)
        done = report(tmp_path / name, code=3)
        assert why in done.stderr.decode() and done.stderr.count(b"\n") == 1
        assert not (tmp_path / name / "report.html").exists()
    assert b"PATH of a run" in report(code=2).stderr
    nowhere = str(tmp_path / "nowhere")
    assert f"cannot open {nowhere}: No such file".encode() in report(nowhere, code=3).stderr
    assert not list(tmp_path.glob("**/*.tmp"))


def test_header_only(browser, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/run.jsonl").write_text(json.dumps(header(10)) + "\n")
    report(tmp_path / "run")
    browser.get((tmp_path / "run/report.html").as_uri())
    wait_for(lambda: browser.execute_script("return document.readyState") == "complete", "loaded")
    time.sleep(0.2)
    assert charts(browser) == {}
    told = "run\nunfinished at step 0 of 10\ntraining\nno step is logged"
    assert told in browser.find_element(By.CSS_SELECTOR, ".ends").text
    click(browser, "in")
    assert_quiet(browser)


@pytest.mark.skipif(
    not os.environ.get("RAVINE_TEST_LONG"), reason="a log of 400 MB: make test-long"
)
def test_a_million_steps(browser, tmp_path, capsys):
    folder = write_log(tmp_path / "million", 1_000_000)
    start = time.monotonic()
    report(folder)
    written = time.monotonic() - start
    page = folder / "report.html"
    start = time.monotonic()
    browser.get(page.as_uri())
    wait_for(lambda: charts(browser), "a curve")
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    shown = time.monotonic() - start
    with capsys.disabled():
        megabytes = page.stat().st_size / 1e6
        print(f"\n1,000,000 steps: written in {written:.2f} s, {megabytes:.1f} MB,", end=" ")
        print(f"first curve after {shown:.2f} s")
    assert written < 5 and megabytes < 20 and shown < 2
    assert_quiet(browser)
