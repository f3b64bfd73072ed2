# SPDX-License-Identifier: Apache-2.0
"""The page of the lecture in a browser: its languages, players, pointer, tables."""

import html.parser
import re
import time

import pytest
from chinese import HAN, assert_page_is_of_its_readers
from conftest import assert_quiet, wait_for
from pictures import PLAYED, assert_tables_fit, assert_texts_can_be_read, panels_of
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

LANGUAGES = ["en", "zh-CN", "zh-TW"]


class Nothing(html.parser.HTMLParser):
    """Fails on whatever would be loaded from elsewhere."""

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href") and value:
                assert value.startswith(("#", "data:", "playground.html#")), (tag, value)


def test_page_loads_nothing(made_lecture):
    Nothing().feed((made_lecture[0] / "index.html").read_text())


def visit(browser, folder, width=1400, dark=False, calm=False):
    browser.get_log("browser")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    features = [
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get((folder / "index.html").as_uri())


def set_language(browser, language):
    """By the button, which leads from one to the next."""
    for _ in LANGUAGES:
        if browser.execute_script("return document.documentElement.lang") == language:
            return
        browser.find_element(By.ID, "language").click()
    pytest.fail(f"the button does not lead to {language}")


def player(browser, figure):
    """Play button, slider, and what the slider says."""
    controls = browser.find_element(By.CSS_SELECTOR, f".player[data-figure={figure}]")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", controls)
    return [controls.find_element(By.CSS_SELECTOR, what) for what in ("button", "input", "output")]


def drawn(browser, figure):
    """How long the trails are that are drawn now."""
    return browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} .walked path`)]"
        ".map((path) => path.getTotalLength())",
        figure,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_opens_quietly(browser, made_lecture, width, dark, language):
    visit(browser, made_lecture[0], width, dark)
    set_language(browser, language)
    assert_quiet(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    paper, ink = browser.execute_script(
        "const style = getComputedStyle(document.body);"
        "return [style.backgroundColor, style.color].map((c) => Number(c.match(/\\d+/)[0]))"
    )
    assert (paper < 64 < 192 < ink) if dark else (ink < 64 < 192 < paper)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1400, 390])
def test_texts_of_charts_can_be_read(browser, made_lecture, width, language):
    visit(browser, made_lecture[0], width)
    set_language(browser, language)
    assert_texts_can_be_read(browser)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_hide_nothing_on_a_phone(browser, made_lecture, language):
    """Each row is a card: every number beside its name, none beyond the edge."""
    visit(browser, made_lecture[0], 390)
    set_language(browser, language)
    assert_tables_fit(browser, 390)
    row = browser.find_element(By.CSS_SELECTOR, "#table [data-run=adagrad_mean]")
    name = {
        "en": "first step above the stability limit",
        "zh-CN": "首次超过稳定极限的步数",
        "zh-TW": "首次超過穩定極限的步數",
    }[language]
    assert re.search(rf"{name}\s+512\s+512", row.text), row.text
    visit(browser, made_lecture[0], 1400)
    set_language(browser, language)
    assert name not in browser.find_element(By.CSS_SELECTOR, "#table tbody").text


def test_language(browser, made_lecture):
    visit(browser, made_lecture[0])

    def shown():
        """The texts of a figure, without the commands, which have no language."""
        text = browser.execute_script("return document.getElementById('d').innerText")
        return re.sub("^ravine race .*$", "", text, flags=re.M)

    for language, crescent, title, leads_to in (
        ("zh-CN", "月牙", "困在峡谷里", "繁體中文"),
        ("zh-TW", "月牙形的損失面", "困在峽谷裡", "English"),
    ):
        set_language(browser, language)
        chinese = shown()
        assert crescent in chinese and "crescent" not in chinese
        assert browser.title.startswith(title)
        letters = re.findall(r"[a-z]{5,}", re.sub(r"RMSProp", "", chinese))
        assert not letters, letters
        assert browser.find_element(By.ID, "language").text == leads_to
    set_language(browser, "en")
    english = shown()
    assert "crescent" in english and not HAN.search(english)
    assert browser.find_element(By.ID, "language").text == "中文"
    assert_quiet(browser)


def test_each_chinese_is_that_of_its_readers(made_lecture):
    """In the page and in each figure by itself; a text that taiwan.def lacks is not of Taiwan."""
    folder = made_lecture[0]
    files = [folder / "index.html", *folder.glob("*.svg")]
    assert len(files) > 10
    for file in files:
        assert_page_is_of_its_readers(file.read_text())


def test_language_is_the_browsers_at_first(browser, made_lecture):
    added = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {"source": "Object.defineProperty(navigator, 'language', {get: () => 'zh-Hant-HK'})"},
    )
    try:
        visit(browser, made_lecture[0])
        assert browser.execute_script("return document.documentElement.lang") == "zh-TW"
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.parametrize("figure", PLAYED)
def test_scrub_by_keyboard(browser, made_lecture, figure):
    visit(browser, made_lecture[0])
    _, slider, output = player(browser, figure)
    slider.send_keys(Keys.HOME)
    assert output.text == "t = 0"
    assert max(drawn(browser, figure)) < 1
    slider.send_keys(Keys.ARROW_RIGHT * 10)  # before a bounce only repeats itself
    some = drawn(browser, figure)
    assert min(some) > 1 and output.text != "t = 0"
    slider.send_keys(Keys.PAGE_UP * 3)
    assert sum(drawn(browser, figure)) > sum(some)
    slider.send_keys(Keys.END)
    assert output.text in ("t = 100,000", "t = 4,000", "t = 3,000", "t = 300")
    assert_quiet(browser)


def test_play_and_pause(browser, made_lecture):
    visit(browser, made_lecture[0])
    set_language(browser, "en")
    button, slider, _ = player(browser, "crescent")
    button.click()
    assert button.text == "Pause"
    wait_for(lambda: 20 < int(slider.get_attribute("value")) < 900, "it moves")
    button.send_keys(Keys.SPACE)
    assert button.text == "Play"
    here = slider.get_attribute("value")
    time.sleep(0.2)
    assert slider.get_attribute("value") == here
    assert_quiet(browser)


def cursors(browser, figure):
    """Where the lines at a step are, on the paper."""
    found = browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} .cursor`)]"
        ".filter((line) => line.style.display !== 'none').map((line) => line.getAttribute('d'))",
        figure,
    )
    return [float(re.match("M([\\d.]+) ", d)[1]) for d in found]


def test_a_cursor_moves_through_all_curves(browser, made_lecture):
    visit(browser, made_lecture[0])
    _, slider, output = player(browser, "adagrad_explodes")
    panels = panels_of((made_lecture[0] / "adagrad_explodes.svg").read_text())
    assert cursors(browser, "adagrad_explodes") == [], "at the end there is the whole"
    for keys in (Keys.HOME, Keys.PAGE_UP * 2, Keys.PAGE_UP * 3):
        slider.send_keys(keys)
        step = int(output.text.removeprefix("t = ").replace(",", ""))
        places = cursors(browser, "adagrad_explodes")
        assert len(places) == 2, "distance across the valley, step size times curvature"
        for panel, place in zip(panels[1:], places, strict=True):
            assert panel.axes()[0](place) == pytest.approx(step + 1, abs=1), "counted from 1"
    slider.send_keys(Keys.END)
    assert cursors(browser, "adagrad_explodes") == []


def point_at(browser, figure, x, y):
    """Moves the pointer to a place on the paper; what is told of it."""
    chart = browser.find_element(By.ID, figure)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    right, down = browser.execute_script(
        "const at = new DOMPoint(arguments[1], arguments[2])"
        ".matrixTransform(arguments[0].getScreenCTM());"
        "const box = arguments[0].getBoundingClientRect();"
        "return [at.x - box.left - box.width / 2, at.y - box.top - box.height / 2]",
        chart,
        x,
        y,
    )
    ActionChains(browser).move_to_element_with_offset(chart, right, down).perform()
    return browser.find_element(By.CSS_SELECTOR, f"#{figure} + .readout").text.splitlines()


def test_the_pointer_tells_the_values_under_it(browser, made_lecture):
    visit(browser, made_lecture[0])
    set_language(browser, "en")
    plane, loss = panels_of((made_lecture[0] / "gradient_descent.svg").read_text())
    start = [axis.place(value) for axis, value in zip(plane.axes(), (-120, -4), strict=True)]
    b, w = point_at(browser, "gradient_descent", *start)
    assert float(b.removeprefix("b ")) == pytest.approx(-120, abs=0.3), "a pixel is 0.2 wide"
    assert float(w.removeprefix("w ")) == pytest.approx(-4, abs=0.05)
    step, *values = point_at(
        browser, "gradient_descent", loss.axes()[0].place(1e4), loss.area[1] + 9
    )
    assert re.fullmatch(r"step, counted from 1 (9,|10,)\d{3}", step), step
    assert [value.rpartition(" ")[0] for value in values] == ["GD 1e-6", "GD 1e-7"], "alone there"
    floor = 5.57347745504 / 2 * 68.45**2  # of the ravine where it is entered
    for value, eta in zip(values, (1e-6, 1e-7), strict=True):
        want = floor * (1 - eta * 5.57347745504) ** 20000  # the loss falls twice as fast
        told = float(value.rpartition(" ")[2].replace(",", ""))
        assert told == pytest.approx(want, rel=0.1)
    point_at(browser, "crescent", 2, 2)
    assert not browser.find_element(By.CSS_SELECTOR, "#gradient_descent + .readout").is_displayed()
    assert_quiet(browser)


def test_calm_readers_see_still_pictures(browser, made_lecture):
    visit(browser, made_lecture[0], calm=True)
    button, slider, _ = player(browser, "crescent")
    button.click()
    seen = set()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        seen.add(int(slider.get_attribute("value")))
        time.sleep(0.05)
    assert 2 <= len(seen) <= 4, "a step a second"


def test_table_is_the_json(browser, made_lecture):
    visit(browser, made_lecture[0])
    rows = browser.find_elements(By.CSS_SELECTOR, "#table tbody tr")
    shown = {run["key"] for run in made_lecture[1]["runs"] if run["in_lecture"]}
    assert {row.get_attribute("data-run") for row in rows} == shown and len(shown) > 10
    assert not browser.find_elements(By.CSS_SELECTOR, "td.warn"), "a number is not the reference's"
