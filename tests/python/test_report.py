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


def write_log(folder, steps, *, held_out=1.0, test=0.375, **config):
    """`held_out`: the validation loss after epoch 1, of which epoch e has one e-th; None: none is
    held out."""
    folder.mkdir(parents=True)
    with open(folder / "run.jsonl", "w", encoding="ascii") as log:
        log.write(json.dumps(header(steps, **config)) + "\n")
        for k in range(1, steps + 1):
            log.write(json.dumps(step(k, steps), separators=(",", ":")) + "\n")
            if 4 * k % steps == 0:
                e = 4 * k // steps
                line = epoch(e, k, (held_out or 1) / e, 0.5 + 0.1 * e)
                if held_out is None:
                    del line["validation"]
                log.write(json.dumps(line) + "\n")
        tested = {"type": "test", "epoch": 4, "step": steps, "loss": test, "accuracy": 0.75}
        log.write(json.dumps(tested) + "\n")
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


# ---- the first screen ----------------------------------------------------------------------------


def box(browser, selector):
    """(left, top, right, bottom) on the page."""
    return browser.execute_script(
        "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [r.left, r.top + scrollY, r.right, r.bottom + scrollY]",
        selector,
    )


def running_away(folder, steps):
    """Each step three times as high as the one before: a long sentence, and a picture."""
    write_log(folder, steps)
    lines = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
    for line in lines:
        if "type" not in line:
            k = line["step"]
            line["loss"] = line["grad_norm"] = 3.0 ** min(k, 40)
            line["line_position"] = 3
    (folder / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def single_pages(tmp_path_factory, run_folder):
    folder = tmp_path_factory.mktemp("single")
    made = write_log(folder / "made", 1_000), running_away(folder / "away", 200)
    for run in made:
        report(run)
    return [run / "report.html" for run in (*made, run_folder)]


def test_what_happened_is_on_the_first_screen(browser, single_pages):
    for page in single_pages:
        visit(browser, page)
        sentence, loss = box(browser, "#verdict .sentence"), box(browser, "#loss .plot svg")
        gradient, ends = box(browser, "#grad_norm .plot svg"), box(browser, "#verdict .ends")
        assert sentence[1] < 200 and ends[3] < loss[1] < loss[3] < gradient[1], page
        assert gradient[3] <= 900, page
        assert loss[0] == gradient[0] and loss[2] == gradient[2]
        large = "return parseFloat(getComputedStyle(document.querySelector(arguments[0])).fontSize)"
        assert browser.execute_script(large, "#verdict .sentence") > 20
        for below in ["#evidence", "#headline", "#config"]:
            assert box(browser, below)[1] > gradient[3], page
        if browser.find_elements(By.CSS_SELECTOR, "#verdict .evidence svg"):
            picture = box(browser, "#verdict .evidence svg")
            assert picture[0] > sentence[2] - 1 and picture[1] < sentence[3]  # beside it
        assert axis_labels(browser, "loss", "x") == axis_labels(browser, "grad_norm", "x")


def test_what_happened_is_on_two_screens_of_a_phone(browser, single_pages):
    for page in single_pages:
        visit(browser, page, width=390)
        assert box(browser, "#verdict .sentence")[3] < 450
        assert box(browser, "#grad_norm .plot svg")[3] <= 2 * 900, page


@pytest.mark.parametrize("width", [1400, 900, 390])
def test_every_text_can_be_read(browser, single_pages, comparison, width):
    """12 pixels at least, at any width."""
    for page in (*single_pages, comparison):
        visit(browser, page, width=width)
        small = browser.execute_script(
            "return [...document.querySelectorAll('body *')].filter((e) =>"
            "  [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) &&"
            "  !e.closest('script, style, title, desc, noscript') && e.getClientRects().length"
            ").map((e) => {"
            "  const matrix = e.ownerSVGElement ? e.getScreenCTM() : { a: 1 };"
            "  return [e.textContent, parseFloat(getComputedStyle(e).fontSize) * matrix.a];"
            "}).filter(([, size]) => size < 11.99)"
        )
        assert small == []


def test_the_legend_shows_a_line_as_the_chart_does(browser, single_pages):
    visit(browser, single_pages[0])
    drawn = browser.execute_script(
        "return ['loss', 'score'].map((id) => {"
        "  const figure = document.getElementById(id);"
        "  const legend = [...figure.querySelectorAll('.legend > span')].map((entry) =>"
        "    [entry.innerText.trim(), entry.firstChild.style.borderTopStyle,"
        "     entry.firstChild.classList.contains('dotted')]);"
        "  const lines = [...figure.querySelectorAll('.plot .line')].map((line) =>"
        "    [line.hasAttribute('stroke-dasharray') ? 'dashed' : '',"
        "     line.nextSibling?.classList.contains('dots') ?? false]);"
        "  return [legend, lines];"
        "})"
    )
    (loss, loss_lines), (score, score_lines) = drawn
    assert [name for name, *_ in loss] == ["batches", "validation"]
    assert [name for name, *_ in score] == ["validation", "training"]
    assert [look for _, *look in loss] == loss_lines == [["", False], ["", True]]
    assert [look for _, *look in score] == score_lines == [["", True], ["dashed", False]]


def test_a_loss_that_ran_away_has_logarithmic_axes(browser, single_pages):
    """On linear ones all but the last steps would lie on the axis; no label is cut."""
    checked = []
    for page in single_pages:
        visit(browser, page)
        checked.append(browser.execute_script("return document.getElementById('log').checked"))
        for chart in ["loss", "grad_norm"]:
            left = box(browser, f"#{chart} .plot")[0]
            assert all(
                label.rect["x"] >= left
                for label in browser.find_elements(By.CSS_SELECTOR, f"#{chart} .tick-y")
            )
        if checked[-1]:
            ticks = sorted(axis_labels(browser, "loss", "y"))
            assert ticks[0] < 1e3 and ticks[-1] > 1e15
    assert checked == [False, True, False]


def test_one_cursor_for_all_charts(browser, single_pages):
    """The doctor's picture is a chart too: pointed at in one, told in each."""
    visit(browser, single_pages[-1])
    cursors = (
        "return [...document.querySelectorAll('#verdict .cursor, .plot > .cursor')]"
        ".map((c) => getComputedStyle(c).display !== 'none')"
    )
    assert not any(browser.execute_script(cursors))
    plot = browser.find_element(By.CSS_SELECTOR, "#loss .plot")
    ActionChains(browser, duration=50).move_to_element(plot).perform()
    shown = browser.execute_script(cursors)
    assert len(shown) == len(CHARTS) + 1 and all(shown)
    told = browser.find_element(By.CSS_SELECTOR, "#verdict .readout")
    assert re.search(r"\d", told.text)
    picture = browser.find_element(By.CSS_SELECTOR, "#verdict .evidence svg")
    ActionChains(browser, duration=50).move_to_element_with_offset(picture, 100, 0).perform()
    assert all(browser.execute_script(cursors))
    [step] = re.findall(r"^step ([\d,.]+)", told.text)
    for chart in ["loss", "grad_norm"]:
        text = browser.find_element(By.CSS_SELECTOR, f"#{chart} .legend").text
        [at] = re.findall(r"at ([\d,]+)", text)[:1]
        assert abs(float(at.replace(",", "")) - float(step.replace(",", ""))) <= 1
    ActionChains(browser, duration=50).move_by_offset(-600, 0).perform()
    assert not any(browser.execute_script(cursors))
    assert_quiet(browser)


# ---- the test is of the end alone ----------------------------------------------------------------


def texts(browser, selector):
    return [e.text for e in browser.find_elements(By.CSS_SELECTOR, selector)]


def test_no_number_is_of_the_test_before_the_end(browser, tmp_path):
    """Two runs that only the test tells apart: their pages differ in what is told of their end."""
    ends = ("#verdict .ends", "#headline")
    pages = []
    for test in (0.375, 0.625):
        run = write_log(tmp_path / str(test) / "run", 400, test=test)
        report(run)
        visit(browser, run / "report.html")
        told = {selector: texts(browser, selector)[0] for selector in ends}
        assert f"loss {test}, accuracy 75.00 %: looked at once" in told[ends[0]]
        for selector in ends:
            browser.execute_script("document.querySelector(arguments[0]).remove()", selector)
        pages.append(browser.find_element(By.TAG_NAME, "main").get_attribute("innerHTML"))
        assert not re.search(r"\btest\b", " ".join(texts(browser, "figure")))
    assert pages[0] == pages[1]


def test_a_run_without_an_end_tells_no_test(browser, tmp_path):
    run = write_log(tmp_path / "run", 400)
    log = (run / "run.jsonl").read_text().splitlines(keepends=True)
    (run / "run.jsonl").write_text("".join(log[:-2]))
    report(run)
    visit(browser, run / "report.html")
    assert "test\nnot looked at" in texts(browser, "#verdict .ends")[0]


def test_what_is_held_out_has_its_name(browser, tmp_path):
    """ "validation" of ours, "held-out" of logs of others, "test" of logs of before."""
    rows = "".join(f"{k},{2 / k},{3 / k}\n" for k in range(1, 60))
    (tmp_path / "history.csv").write_text("step,loss,val_loss\n" + rows)
    old = write_log(tmp_path / "old", 400)
    log = (old / "run.jsonl").read_text()
    (old / "run.jsonl").write_text(log.replace('"validation":', '"test":'))
    new = write_log(tmp_path / "new", 400)
    for paths, name, of_all in [
        ([new], "validation", "validation"),
        ([old], "test", "test"),
        ([tmp_path / "history.csv"], "held-out", "held-out"),
        ([new, old], "new validation", "held-out"),
    ]:
        page = tmp_path / "page.html"
        report(*paths, "-o", page)
        browser.get(page.as_uri())
        wait_for(lambda: "loss" in charts(browser), "the loss is drawn")
        legend = texts(browser, "#loss .legend > span")
        assert name in legend and len(legend) == 2 * len(paths)
        assert f"{of_all} loss, best" in texts(browser, "#headline th")
    assert_quiet(browser)


# ---- several runs --------------------------------------------------------------------------------


def compared(browser, page, runs):
    """The sentences; the rows of what differs, without the outcome; the groups of seeds."""
    report(*runs, "-o", page)
    visit(browser, page)
    table = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")]
        for row in browser.find_elements(By.CSS_SELECTOR, "#differences tbody tr:not(#outcome)")
    ]
    groups = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "td")]
        for row in browser.find_elements(By.CSS_SELECTOR, "#seeds tbody tr")
    ]
    return texts(browser, "#compare .sentence"), table, groups


def student(share, freedom):
    """The t beyond which a share lies, on both sides: Simpson's rule on the density, bisected."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)
    density = lambda t: scale * (1 + t * t / freedom) ** (-(freedom + 1) / 2)  # noqa: E731

    def inside(t, n=2000):
        h = t / n
        inner = sum((4 if k % 2 else 2) * density(k * h) for k in range(1, n))
        return 2 * h / 3 * (density(0) + inner + density(t))

    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < 1 - share else (low, middle)
    return low


def made_runs(folder, losses, **config):
    """A run for each seed, whose best epoch, the fourth, has the loss."""
    return [
        write_log(folder / f"{config['name']}-{seed}", 80, held_out=4 * x, seed=seed, **config)
        for seed, x in enumerate(losses, 1)
    ]


@pytest.mark.parametrize("difference", [True, False], ids=["difference", "chance"])
def test_the_winner_and_the_spread(browser, tmp_path, difference):
    losses = {
        "wide": [0.30, 0.32, 0.37],
        "deep": [0.50, 0.41, 0.44] if difference else [0.33, 0.36],
    }
    runs = [
        run for name in losses for run in made_runs(tmp_path, losses[name], name=name, model=name)
    ]
    words, table, groups = compared(browser, tmp_path / "page.html", runs)
    assert table == [
        ["seed", *(str(k + 1) for name in losses for k in range(len(losses[name])))],
        ["model", *(name for name in losses for _ in losses[name])],
    ]
    wide, deep = (statistics.mean(x) for x in losses.values())
    freedom = sum(len(x) - 1 for x in losses.values())
    spread = math.sqrt(
        sum(statistics.variance(x) * (len(x) - 1) for x in losses.values()) / freedom
    )
    chance = student(0.05, freedom) * spread * math.sqrt(sum(1 / len(x) for x in losses.values()))
    lead = deep - wide
    assert words[0] == (
        f"wide-1 and 2 other seeds have the lowest validation loss, {wide:.4g} on average: "
        f"{lead:.2g} ({100 * lead / deep:.2g} %) below deep-1 and "
        f"{'2 other seeds' if difference else '1 other seed'}."
    )
    assert words[1].startswith(
        f"Seeds alone spread by {spread:.2g} (standard deviation): the lead is "
        f"{lead / spread:.2g} times that. Chance makes one above {chance:.2g} once in twenty"
    )
    assert (lead > chance) == difference
    assert words[1].endswith("this is a difference." if difference else "this one may be chance.")
    assert [row[1:] for row in groups] == [
        [
            str(len(x)),
            f"{statistics.mean(x):.4g}",
            f"{statistics.stdev(x):.2g}",
            f"{min(x):.4g}",
            f"{max(x):.4g}",
        ]
        for x in losses.values()
    ]
    best = texts(browser, "#outcome .best")
    assert best == [f"{x:.4g}" for x in losses["wide"]]
    printed = report(*runs, cwd=tmp_path).stdout.decode()
    assert all(sentence in printed for sentence in words)


def test_one_run_each_cannot_tell_chance(browser, tmp_path):
    """The test chooses nothing: the loser's is better. Equal settings are not named."""
    good = write_log(tmp_path / "good", 80, held_out=1.2, test=0.9, optimizer="sgd", seed=1)
    poor = write_log(tmp_path / "poor", 80, held_out=1.6, test=0.1, optimizer="adam", seed=1)
    words, table, groups = compared(browser, tmp_path / "page.html", [poor, good])
    assert words[0] == "good has the lowest validation loss, 0.3: 0.1 (25 %) below poor."
    assert "cannot tell chance from difference" in words[1] and "--seeds" in words[1]
    assert table == [["optimizer", "adam", "sgd"]] and groups == []
    top, bottom = box(browser, "#compare")[1::2]
    assert top < 100 and bottom < box(browser, "#loss")[1] < box(browser, "#headline")[1]
    assert box(browser, "#loss .plot svg")[3] <= 900


def test_other_data_are_no_other_seed(browser, tmp_path):
    """A table that was edited between two runs keeps its name."""
    runs = [write_log(tmp_path / f"run{k}", 80, held_out=1 + k, seed=k) for k in range(2)]
    for k, run in enumerate(runs):
        log = (run / "run.jsonl").read_text()
        files = f'"data_files": [{{"file": "t.csv", "bytes": 9, "crc32c": "0000000{k}"}}], "config"'
        (run / "run.jsonl").write_text(log.replace('"config"', files, 1))
    words, table, groups = compared(browser, tmp_path / "page.html", runs)
    assert [row[0] for row in table] == ["seed", "data_files.crc32c"] and groups == []
    assert "cannot tell chance" in words[1] and "Settings of the data differ" in words[2]


def test_runs_that_cannot_be_compared_are_not(browser, tmp_path):
    page = tmp_path / "page.html"
    made = write_log(tmp_path / "made", 80, batch_size=8)
    blind = write_log(tmp_path / "blind", 80, held_out=None, batch_size=16)
    again = write_log(tmp_path / "again", 80, held_out=None, batch_size=32)
    twice = write_log(tmp_path / "twice", 80, batch_size=8)
    other = write_log(tmp_path / "other", 80, batch_size=8)
    log = (other / "run.jsonl").read_text()
    (other / "run.jsonl").write_text(log.replace('"accuracy"', '"rmse"'))
    (tmp_path / "old.csv").write_text(
        "step,loss\n" + "".join(f"{k},{1 / k}\n" for k in range(1, 99))
    )

    words, *_ = compared(browser, page, [made, blind])
    assert words == [
        "Only made has a validation loss: there is nothing to compare it with.",
        "Without a validation loss, and not compared: blind.",
    ]
    words, *_ = compared(browser, page, [blind, again])
    assert "the same training loss at the end" in words[0]
    words, table, _ = compared(browser, page, [made, twice])
    assert words == ["These runs have the same settings and the same seed."] and table == []
    assert "No setting differs." in texts(browser, "#compare p")
    words, *_ = compared(browser, page, [made, other])
    assert len(words) == 1 and "none is the better one" in words[0]
    assert texts(browser, "#outcome .best") == []
    report(made, tmp_path / "old.csv", "-o", page)
    browser.get(page.as_uri())
    assert "Logs of other programs tell no settings." in texts(browser, "#compare p")
    assert len(texts(browser, "#differences tbody tr")) == 1  # the outcome


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
    told = "run\nunfinished at step 0 of 10\ntraining\nno step is logged"
    assert told in browser.find_element(By.CSS_SELECTOR, ".ends").text
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
