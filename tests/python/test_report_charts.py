# SPDX-License-Identifier: Apache-2.0
"""The charts of a report in a browser, as a person would use them."""

import base64
import re
import statistics
from itertools import pairwise

import pytest
from conftest import assert_quiet
from report_pages import (
    CHARTS,
    SPIKE,
    SPIKE_STEP,
    axis_labels,
    charts,
    click,
    compare,
    report,
    two_runs,
    visit,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return two_runs(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def comparison(runs):
    return compare(runs)


def points_of(piece):
    """[(x, y)] of a piece of a path: "1 2L3 4", or of a dot, "1 2h0"."""
    return [tuple(map(float, point.split())) for point in piece.removesuffix("h0").split("L")]


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
