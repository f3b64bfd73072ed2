# SPDX-License-Identifier: Apache-2.0
"""`ravine report`: its numbers against the log, its page in a browser, as a person would use it.

Debian's chromium and chromium-driver are started by selenium, which downloads nothing.
"""

import base64
import json
import math
import os
import re
import signal
import statistics
import subprocess
import time
from itertools import pairwise

import pytest
from conftest import RAVINE, ROOT, assert_quiet, wait_for
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

CHARTS = ["loss", "grad_norm", "score", "lr", "ratio", "step_time"]
SPIKE_STEP, SPIKE = 12_345, 1000.0


def report(*args, cwd=None, code=0):
    done = subprocess.run(
        [RAVINE, "report", *map(str, args)], cwd=cwd, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done


# ---- logs ----------------------------------------------------------------------------------------


def header(steps, **config):
    return {
        "type": "header",
        "format": 1,
        "version": "0.1.0",
        "total_steps": steps,
        "groups": [{"name": "weights", "size": 90}, {"name": "vectors", "size": 10}],
        "config": {"name": "made", "optimizer": "adamw", **config},
    }


def step(k, steps):
    """Loss and gradient fall, but for one spike; the learning rate falls to 0."""
    loss = SPIKE if k == SPIKE_STEP else 2 * math.exp(-5 * k / steps) + 0.1 * (k * 37 % 11) / 11
    return {
        "step": k,
        "epoch": 1 + 4 * (k - 1) // steps,
        "loss": loss,
        "lr": 1e-3 * (1 - k / steps),
        "grad_norm": 0.5 + math.exp(-9 * k / steps) + 0.2 * (k * 53 % 13) / 13,
        "update_norm": 0.01,
        "param_norm": 5.0,
        "group_grad_norm": [1.0, 0.1],
        "group_update_norm": [0.01 * (1 + k % 7), 1e-4],
        "group_param_norm": [5.0, 0.7 + k / steps],
        "clip": 1,
        "nonfinite": 0,
        "seconds": k * 2e-3 + (k % 5) * 1e-4,
    }


def epoch(e, k, loss, accuracy):
    return {
        "type": "epoch",
        "epoch": e,
        "step": k,
        "train": {"loss": loss * 0.9, "accuracy": accuracy + 0.02},
        "validation": {"loss": loss, "accuracy": accuracy},
        "seconds": 1.5,
    }


def write_log(folder, steps, **config):
    folder.mkdir(parents=True)
    with open(folder / "run.jsonl", "w", encoding="ascii") as log:
        log.write(json.dumps(header(steps, **config)) + "\n")
        for k in range(1, steps + 1):
            log.write(json.dumps(step(k, steps), separators=(",", ":")) + "\n")
            if 4 * k % steps == 0:
                e = 4 * k // steps
                log.write(json.dumps(epoch(e, k, 1 / e, 0.5 + 0.1 * e)) + "\n")
        test = {"type": "test", "epoch": 4, "step": steps, "loss": 0.375, "accuracy": 0.75}
        log.write(json.dumps(test) + "\n")
        log.write(json.dumps({"type": "event", "event": "finished", "step": steps}) + "\n")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of 20,000 and 1,000 steps; the longer one has a spike of one step."""
    folder = tmp_path_factory.mktemp("report")
    long = write_log(folder / "long", 20_000, batch_size=256)
    return long, write_log(folder / "short", 1_000, batch_size=32)


@pytest.fixture(scope="module")
def comparison(runs):
    page = runs[0].parent / "compared.html"
    assert report(*runs, "-o", page).stdout == b""
    return page


# ---- a browser -----------------------------------------------------------------------------------


def charts(browser):
    """The pictures of the charts that are shown, by name."""
    return browser.execute_script(
        "const all = {}; for (const f of document.querySelectorAll('figure:not([hidden])')) {"
        "const c = f.querySelector('.plot svg'); if (c) all[f.id] = c.outerHTML; } return all"
    )


def visit(browser, page, width=1400, dark=False):
    browser.get_log("browser")  # what is there belongs to others
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(page.as_uri())
    wait_for(lambda: len(charts(browser)) == len(CHARTS), "all charts are drawn")


def axis_labels(browser, chart, axis):
    texts = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)",
        f"#{chart} .tick-{axis}",
    )
    return [float(text.replace(",", "")) for text in texts]


def points_of(piece):
    """[(x, y)] of a piece of a path: "1 2L3 4", or of a dot, "1 2h0"."""
    return [tuple(map(float, point.split())) for point in piece.removesuffix("h0").split("L")]


def click(browser, identity):
    browser.execute_script("document.getElementById(arguments[0]).click()", identity)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_page_opens_quietly(browser, comparison, width, dark):
    visit(browser, comparison, width, dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    assert brightness < 60 if dark else brightness > 200
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    size = browser.execute_script(
        "const r = document.querySelector('#loss .plot svg').getBoundingClientRect();"
        "return [r.width, r.height]"
    )
    assert 0.8 * width - 100 < size[0] < width and size[1] > 150
    assert_quiet(browser)


def test_switches(browser, comparison):
    visit(browser, comparison)
    plain = charts(browser)

    def changed(what, names=CHARTS):
        now = charts(browser)
        assert {name for name in CHARTS if now[name] != plain[name]} == set(names), what

    click(browser, "log")
    changed("log scale", [name for name in CHARTS if name != "ratio"])  # that is always so
    click(browser, "log")
    changed("linear again", [])

    browser.execute_script(
        "const s = document.getElementById('smooth'); s.value = 50;"
        "s.dispatchEvent(new Event('input'))"
    )
    changed("smooth", [name for name in CHARTS if name != "score"])
    assert "steps" in browser.find_element(By.ID, "smooth-steps").text
    browser.execute_script(
        "const s = document.getElementById('smooth'); s.value = 0;"
        "s.dispatchEvent(new Event('input'))"
    )
    changed("rough again", [])

    switches = browser.find_elements(By.CSS_SELECTOR, "#runs button")
    assert [s.text for s in switches] == ["long", "short"]
    switches[1].click()
    assert switches[1].get_attribute("aria-pressed") == "false"
    changed("without the short run")
    switches[1].click()
    changed("with it", [])
    for switch in switches:
        switch.click()
    changed("without any run")
    for switch in switches:
        switch.click()

    Select(browser.find_element(By.ID, "axis")).select_by_value("seconds")
    assert max(axis_labels(browser, "loss", "x")) <= 41  # 20,000 steps of 2 ms
    Select(browser.find_element(By.ID, "axis")).select_by_value("step")
    changed("over steps again", [])

    rows = "return [...document.querySelectorAll('#config tbody tr')].filter("
    visible = rows + "(r) => r.offsetHeight).map((r) => r.firstChild.textContent)"
    assert {"name", "batch_size"} < set(browser.execute_script(visible))
    click(browser, "differing")
    assert browser.execute_script(visible) == ["batch_size"]
    assert_quiet(browser)


def test_zoom_and_pan(browser, comparison):
    visit(browser, comparison)
    plain = charts(browser)
    plot = browser.find_element(By.CSS_SELECTOR, "#grad_norm .plot")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    drag = ActionChains(browser, duration=50)
    drag.move_to_element(plot).click_and_hold().move_by_offset(200, 0).release().perform()
    for chart in CHARTS:  # all of them look at the same window
        labels = axis_labels(browser, chart, "x")
        assert 9_000 < min(labels) < max(labels) < 16_000, chart
    zoomed = charts(browser)
    assert all(zoomed[name] != plain[name] for name in CHARTS)

    middle = statistics.mean(axis_labels(browser, "loss", "x"))
    click(browser, "right")
    assert statistics.mean(axis_labels(browser, "loss", "x")) > middle + 400
    click(browser, "left")
    assert charts(browser) == zoomed
    drag = ActionChains(browser, duration=50)
    drag.key_down("\ue008").move_to_element(plot).click_and_hold().move_by_offset(-100, 0)
    drag.release().key_up("\ue008").perform()
    assert statistics.mean(axis_labels(browser, "loss", "x")) > middle + 400

    ActionChains(browser).double_click(plot).perform()
    browser.execute_script("arguments[0].dispatchEvent(new MouseEvent('mouseout'))", plot)
    assert charts(browser) == plain
    click(browser, "in")
    click(browser, "in")
    assert charts(browser) != plain
    click(browser, "all")
    assert charts(browser) == plain
    assert_quiet(browser)


def touch(browser, kind, *places):
    points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)]
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_fingers(browser, comparison):
    """Two fingers stretch the window, what is under them stays there; then one moves it."""
    visit(browser, comparison, width=390)
    whole = charts(browser)
    plot = browser.find_element(By.CSS_SELECTOR, "#loss .plot")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    y = browser.execute_script("return arguments[0].getBoundingClientRect().top", plot) + 60
    touch(browser, "touchStart", (180, y), (260, y))
    touch(browser, "touchMove", (140, y), (300, y))
    touch(browser, "touchEnd")
    for chart in CHARTS:
        labels = axis_labels(browser, chart, "x")
        assert 4_000 < min(labels) < max(labels) < 17_000, chart
    before = statistics.mean(axis_labels(browser, "lr", "x"))
    touch(browser, "touchStart", (200, y))
    touch(browser, "touchMove", (120, y))
    touch(browser, "touchEnd")
    assert statistics.mean(axis_labels(browser, "lr", "x")) > before + 500
    click(browser, "all")
    browser.execute_script("arguments[0].dispatchEvent(new MouseEvent('mouseout'))", plot)
    assert charts(browser) == whole
    assert_quiet(browser)


def test_hover_tells_the_values(browser, comparison):
    visit(browser, comparison)
    plot = browser.find_element(By.CSS_SELECTOR, "#loss .plot")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    ActionChains(browser, duration=50).move_to_element(plot).perform()
    for chart in CHARTS:
        text = browser.find_element(By.CSS_SELECTOR, f"#{chart} .legend").text
        assert "long" in text and re.search(r"\d at [\d,]+", text), text
    assert browser.find_element(By.CSS_SELECTOR, "#lr .cursor").is_displayed()
    # The last point of the short run is nearest: there the learning rate is 0.
    assert "0 at 1,000" in browser.find_element(By.CSS_SELECTOR, "#lr .legend").text
    assert_quiet(browser)


def test_a_spike_of_one_step_is_drawn(browser, comparison):
    visit(browser, comparison)
    assert max(axis_labels(browser, "loss", "y")) > 0.7 * SPIKE
    lines, [left, width, height] = browser.execute_script(
        "const area = document.querySelector('#loss .plot svg svg'), v = area.viewBox.baseVal;"
        "return [[...area.querySelectorAll('.line')].map((line) => line.getAttribute('d')),"
        " [v.x, v.width, v.height]]"
    )
    pixels = [  # where a line is in the second quarter of the height
        (x - left) / width
        for line in lines
        for piece in line.split("M")[1:]
        for (x, y), (_, beyond) in pairwise(points_of(piece))
        if min(y, beyond) < 0.5 * height and max(y, beyond) > 0.25 * height
    ]
    assert pixels and all(abs(x - SPIKE_STEP / 20_000) < 0.02 for x in pixels)


def test_gaps_swallow_nothing(browser, runs, tmp_path):
    """Every second loss was not finite: what is between is drawn all the same."""
    lines = (runs[0] / "run.jsonl").read_text().splitlines(keepends=True)
    gaps = [re.sub(r'"loss":[^,]*,"lr"', '"loss":null,"lr"', line) for line in lines]
    (tmp_path / "run").mkdir()
    mixed = [gaps[k] if k % 2 == 0 else line for k, line in enumerate(lines)]
    (tmp_path / "run/run.jsonl").write_text("".join(mixed))
    report(tmp_path / "run")
    visit(browser, tmp_path / "run/report.html")
    click(browser, "log")
    drawn, width = browser.execute_script(
        "const svg = document.querySelector('#loss .plot svg');"
        "return [svg.querySelector('svg .line').getAttribute('d'), svg.viewBox.baseVal.width]"
    )
    covered = set()
    for piece in drawn.split("M")[1:]:
        places = [x for x, _ in points_of(piece)]
        covered.update(range(int(min(places)), int(max(places)) + 1))
    columns = len(covered) / width
    assert columns > 0.9
    assert_quiet(browser)


def test_prints(browser, comparison):
    visit(browser, comparison, dark=True)
    pdf = base64.b64decode(browser.print_page())
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000
    assert_quiet(browser)


# ---- hostile, cut and broken logs ----------------------------------------------------------------


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
    click(browser, "in")
    assert_quiet(browser)


# ---- numbers -------------------------------------------------------------------------------------


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


# ---- ravine train --------------------------------------------------------------------------------


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


# ---- a million steps -----------------------------------------------------------------------------


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
