# SPDX-License-Identifier: Apache-2.0
"""What the first screen of a report tells, on a desk and on a phone; what it says of the test."""

import json
import re

import pytest
from conftest import assert_quiet, wait_for
from report_pages import (
    CHARTS,
    axis_labels,
    box,
    charts,
    compare,
    report,
    texts,
    two_runs,
    visit,
    write_log,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    return compare(two_runs(tmp_path_factory.mktemp("report")))


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
