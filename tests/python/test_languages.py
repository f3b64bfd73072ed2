# SPDX-License-Identifier: Apache-2.0
"""Texts that are there in English, in Chinese, and in Chinese as it is written in Taiwan."""

import re
import subprocess

import pytest
from chinese import (
    HAN,
    assert_of_china,
    assert_of_taiwan,
    assert_page_is_of_its_readers,
    assert_same_terms,
)
from conftest import RAVINE, ROOT, assert_quiet
from selenium.webdriver.common.by import By

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def rows_of(name, entry):
    """The last three strings of each entry of a table of the doctor."""
    text = (ROOT / "lib/doctor/judge" / name).read_text().partition("clang-format off")[2]
    rows = re.split(rf"^{entry}\(", text, flags=re.M)[1:]
    return [STRING.findall(re.sub(r'"\s*\n\s*"', "", row))[-3:] for row in rows]


@pytest.mark.parametrize(
    "name, entry, least", [("sentences.def", "SENTENCE", 40), ("cures.def", "CURE", 60)]
)
def test_what_the_doctor_says(name, entry, least):
    rows = rows_of(name, entry)
    assert len(rows) >= least
    for english, china, taiwan in rows:
        assert not HAN.search(english), english
        for text in (china, taiwan):
            assert HAN.search(text), text
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english))
        assert_of_china(china)
        assert_of_taiwan(taiwan)
        assert_same_terms(china, taiwan)


# ---- pages ---------------------------------------------------------------------------------------


def ravine(*args):
    subprocess.run([RAVINE, *args], check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize("surface", ["crescent", "saddle", "quadratic size=3"])
@pytest.mark.parametrize("form", ["html", "svg"])
def test_a_race(tmp_path, surface, form):
    path = tmp_path / f"race.{form}"
    ravine("race", f"--surface={surface}", "-p", "adam", "-n", "50", "-o", path)
    assert_page_is_of_its_readers(path.read_text())


def test_the_page_of_a_race_speaks_one_language(browser, tmp_path):
    path = tmp_path / "race.html"
    ravine("race", "--surface=crescent", "-p", "adam lr=0.02", "-n", "50", "-o", path)
    browser.get(path.as_uri())
    button = browser.find_element(By.ID, "language")
    for language in ("zh-CN", "zh-TW", "en"):
        button.click()
        assert browser.execute_script("return document.documentElement.lang") == language
        shown = browser.find_element(By.TAG_NAME, "main").text.replace(button.text, "")
        if language == "en":
            assert "A race on crescent" in shown and not HAN.search(shown)
            continue
        (assert_of_china if language == "zh-CN" else assert_of_taiwan)(shown)
        assert "Rosenbrock 的" in shown and "crescent 上的" in browser.title
        names = {"crescent", "Rosenbrock", "adam", "float"}
        assert set(re.findall(r"[A-Za-z]{3,}", shown)) <= names
    assert_quiet(browser)


@pytest.fixture
def reader(browser, request):
    """A browser whose reader prefers a language."""
    source = f"Object.defineProperty(navigator, 'language', {{get: () => '{request.param}'}})"
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    yield browser, request.param
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.parametrize("reader", ["en-GB", "zh-CN", "zh-TW"], indirect=True)
def test_the_report_begins_with_the_sentence_of_its_reader(reader, run_folder, tmp_path):
    browser, language = reader
    ravine("report", run_folder, "-o", tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    english, *chinese = [
        p.text
        for p in browser.find_elements(By.CSS_SELECTOR, "#verdict .sentence")
        if p.is_displayed()
    ]
    assert not HAN.search(english) and len(chinese) == 1
    (assert_of_taiwan if language == "zh-TW" else assert_of_china)(chinese[0])
    assert_quiet(browser)
