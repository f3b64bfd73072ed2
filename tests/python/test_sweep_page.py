# SPDX-License-Identifier: Apache-2.0
"""The page of `ravine sweep` in a browser, as a person would use it."""

import json
import re
import subprocess

import pytest
from conftest import RAVINE, assert_quiet, wait_for
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from test_sweep import WILD
from test_validation import write_table

SWEEPS = {
    "one": ["--vary=lr=0.01:1e30:log:4", "--seeds=3"],
    "two": ["--vary=lr=0.01,0.1,1e30", "--vary=batch_size=16,32", "--seeds=2"],
    "three": ["--vary=lr=0.01,0.1", "--vary=model.widths=4,[8,4]", "--vary=batch_size=8,16,32"],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder with a sweep over one, two and three keys; at the greatest rate all diverge."""
    place = tmp_path_factory.mktemp("sweep")
    write_table(place / "t.csv", rows=103)
    sets = [f"--set={s}" for s in [*WILD, "epochs=2"]]
    for name, options in SWEEPS.items():
        subprocess.run(
            [RAVINE, "sweep", *sets, *options, "-q", "-o", name], cwd=place, check=True, timeout=120
        )
    return place


def visit(browser, page, width=1400, dark=False):
    browser.get_log("browser")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(page.as_uri())
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#curves svg path.line"), "the curves")


def told_of(folder):
    return json.loads((folder / "sweep.json").read_text())


def buttons(browser):
    """Rows of (text, label) of the map."""
    rows = browser.find_elements(By.CSS_SELECTOR, ".heat tr")[1:]
    return [
        [(b.text, b.get_attribute("aria-label")) for b in row.find_elements(By.TAG_NAME, "button")]
        for row in rows
    ]


def headings(browser, scope):
    return [e.text for e in browser.find_elements(By.CSS_SELECTOR, f".heat th[scope={scope}]")]


def number(text):
    return float(re.sub("[★✕ ]", "", text))


def test_the_map_has_every_combination(browser, pages):
    told = told_of(pages / "two")
    visit(browser, pages / "two/sweep.html")
    assert headings(browser, "col") == ["0.01", "0.1", "1e30"]
    assert headings(browser, "row") == ["16", "32"]
    for j, row in enumerate(buttons(browser)):
        for i, (text, label) in enumerate(row):
            cell = told["cells"][2 * i + j]
            assert label.startswith(f"lr={cell['settings']['lr']}, batch_size=")
            if cell["diverged"]:
                assert text == "✕" and label.endswith("2 of 2 diverged")
            else:
                assert number(text) == pytest.approx(cell["loss"]["mean"], rel=0.005)
    starred = [label for row in buttons(browser) for text, label in row if text.startswith("★")]
    best = told["best"]["settings"]
    assert len(starred) == 1
    assert starred[0].startswith(f"lr={best['lr']}, batch_size={best['batch_size']}:")
    assert_quiet(browser)


def test_lightness_orders_the_cells(browser, pages):
    """For whom hues are alike, and on black and white paper: the less the loss, the lighter."""
    visit(browser, pages / "three/sweep.html")
    found = browser.execute_script(
        "return [...document.querySelectorAll('.heat button')].map((b) =>"
        " [b.textContent, getComputedStyle(b).backgroundColor, getComputedStyle(b).color])"
    )

    def light(color):
        r, g, b = map(int, re.findall(r"\d+", color)[:3])
        return 0.299 * r + 0.587 * g + 0.114 * b

    cells = sorted((number(text), -light(paper)) for text, paper, _ in found)
    assert [paper for _, paper in cells] == sorted(paper for _, paper in cells)
    assert all(abs(light(paper) - light(ink)) > 90 for _, paper, ink in found)


def cell_rows(browser):
    return [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        for row in browser.find_elements(By.CSS_SELECTOR, "#cell tbody tr")
    ]


def test_the_map_is_printed(browser, pages):
    """Its cells are buttons, which paper has no use for; a printer leaves colours out by itself."""
    visit(browser, pages / "two/sweep.html")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        cells = browser.find_elements(By.CSS_SELECTOR, ".heat button")
        ramp = browser.find_element(By.CSS_SELECTOR, ".ramp")
        assert len(cells) == 6 and all(cell.is_displayed() and cell.text for cell in cells)
        for painted in [*cells, ramp]:
            assert painted.value_of_css_property("print-color-adjust") == "exact"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_cell_shows_its_runs(browser, pages):
    told = told_of(pages / "two")
    visit(browser, pages / "two/sweep.html")
    at_first = browser.find_element(By.CSS_SELECTOR, "#cell h3").text
    assert at_first.startswith(f"lr={told['best']['settings']['lr']}")
    lost = browser.find_elements(By.CSS_SELECTOR, ".heat button.diverged")[0]
    ActionChains(browser).move_to_element(lost).perform()
    assert browser.find_element(By.CSS_SELECTOR, "#cell h3").text.startswith("lr=1e30")
    assert [row[3] for row in cell_rows(browser)] == ["✕ diverged"] * 2
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert browser.find_element(By.CSS_SELECTOR, "#cell h3").text == at_first
    lost = browser.find_elements(By.CSS_SELECTOR, ".heat button.diverged")[0]
    lost.click()
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert browser.find_element(By.CSS_SELECTOR, "#cell h3").text.startswith("lr=1e30")
    link = browser.find_elements(By.CSS_SELECTOR, "#cell a")[1]
    assert link.text == "seed 2"
    link.click()
    wait_for(lambda: "seed=2" in browser.title, "the page of the run")
    assert "lr=1e30,batch_size=16,seed=2" in browser.title


def test_axes_are_chosen(browser, pages):
    told = told_of(pages / "three")
    visit(browser, pages / "three/sweep.html")
    assert headings(browser, "col") == ["8", "16", "32"]  # the key with most values
    assert headings(browser, "row") == ["0.01", "0.1"]
    assert browser.find_element(By.ID, "others").is_displayed()
    Select(browser.find_element(By.ID, "down")).select_by_visible_text("model.widths")
    assert headings(browser, "row") == ["4", "[8,4]"]
    Select(browser.find_element(By.ID, "across")).select_by_visible_text("model.widths")
    assert headings(browser, "col") == ["4", "[8,4]"] and headings(browser, "row") == [
        "8",
        "16",
        "32",
    ]
    for j, row in enumerate(buttons(browser)):
        for i, (text, _) in enumerate(row):  # the better of the two rates
            some = [told["cells"][6 * k + 3 * i + j]["loss"]["mean"] for k in range(2)]
            assert number(text) == pytest.approx(min(some), rel=0.005)
    assert_quiet(browser)


def test_one_key_is_a_line(browser, pages):
    told = told_of(pages / "one")
    visit(browser, pages / "one/sweep.html")
    assert not browser.find_element(By.ID, "map").is_displayed()
    assert not browser.find_element(By.ID, "choice").is_displayed()
    points = browser.find_elements(By.CSS_SELECTOR, "#line .point")
    assert len(points) == 4
    lost = sum(cell["diverged"] == 3 for cell in told["cells"])
    assert lost > 0 and len(browser.find_elements(By.CSS_SELECTOR, "#line .cross")) >= lost
    seeds = browser.find_elements(By.CSS_SELECTOR, "#line .seed")
    assert len(seeds) == sum(cell["loss"]["count"] for cell in told["cells"] if cell["loss"])
    points[0].send_keys(Keys.ENTER)
    assert browser.find_element(By.CSS_SELECTOR, "#cell h3").text.startswith("lr=0.01:")
    assert len(cell_rows(browser)) == 3
    assert_quiet(browser)


def test_the_table_and_the_curves(browser, pages):
    told = told_of(pages / "two")
    visit(browser, pages / "two/sweep.html")
    rows = browser.find_elements(By.CSS_SELECTOR, "#all tbody tr")
    assert len(rows) == 6
    assert rows[0].text.startswith(f"{told['best']['settings']['lr']} ")
    links = [a.get_attribute("href") for a in browser.find_elements(By.CSS_SELECTOR, "#all a")]
    assert len(links) == 12
    for link in links:
        name = link.split("/two/")[1].replace("%3D", "=").replace("%2C", ",")
        assert (pages / "two" / name).exists()
    shown = told["best"]["config"].strip()
    assert browser.find_element(By.ID, "config").text == shown
    lines = browser.find_elements(By.CSS_SELECTOR, "#curves path.line")
    assert len(lines) == 12
    assert len(browser.find_elements(By.CSS_SELECTOR, "#curves path.line.s0")) == 2


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone(browser, pages, name, dark):
    visit(browser, pages / f"{name}/sweep.html", width=390, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert_quiet(browser)
