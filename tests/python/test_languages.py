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
from conftest import RAVINE, ROOT, assert_quiet, wait_for
from selenium.webdriver.common.action_chains import ActionChains
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
    sentence = browser.find_element(By.CSS_SELECTOR, "#verdict .sentence").text
    if language == "en-GB":
        assert sentence and not HAN.search(sentence)
    else:
        (assert_of_taiwan if language == "zh-TW" else assert_of_china)(sentence)
        assert HAN.search(sentence)
    assert_quiet(browser)


# ---- the report, several runs compared, find-lr --------------------------------------------------

ENERGY = {
    "data.format": "csv",
    "data.file": ROOT / "examples/data/energy.csv",
    "data.target": "kwh",
    "data.task": "regression",
    "model.widths": "[8]",
    "epochs": 12,
}


def sets(**more):
    return [f"--set={key}={value}" for key, value in (ENERGY | more).items()]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Of a healthy run, of one that was looked at closely, of three runs, and of find-lr."""
    folder = tmp_path_factory.mktemp("pages")
    runs = [folder / name for name in ("good", "again", "poor")]
    settings = ({"optimizer": "adam lr=0.02"}, {"optimizer": "adam lr=0.02", "seed": 2},
                {"optimizer": "sgd lr=0.7"})  # fmt: skip
    for run, setting in zip(runs, settings, strict=True):
        ravine("train", *sets(runs_dir=folder, name=run.name, **setting), "--quiet")
    subprocess.run([RAVINE, "doctor", runs[2], "--probe", "--try"], capture_output=True)
    made = {"good": [runs[0]], "poor": [runs[2]], "compared": runs}
    for name, of in made.items():
        ravine("report", *of, "-o", folder / f"{name}.html")
    ravine("find-lr", *sets(), "-o", folder / "lr.html")
    ravine("sweep", *sets(epochs=4, optimizer="sgd lr=0.01"), "--vary=lr=0.01,1e30",
           "--vary=batch_size=16,32", "--seeds=2", "--quiet", "-o", folder / "sweep")  # fmt: skip
    pages = {name: folder / f"{name}.html" for name in (*made, "lr")}
    return pages | {"sweep": folder / "sweep/sweep.html"}


PAGES = ["good", "poor", "compared", "lr", "sweep"]


@pytest.mark.parametrize("name", PAGES)
def test_each_text_is_there_for_each_reader(pages, name):
    assert_page_is_of_its_readers(pages[name].read_text())


# What is data: names of settings, of runs, of files and tensors, and their values.
DATA = (
    "#config tbody, #differences thead, #differences td, #differences tbody tr:not(#outcome) th, "
)
DATA += "#choice option, #config, .heat th, #all tbody td:first-child, #chosen, "
DATA += "#worst, #runs, #ratio .legend, header .muted, #seeds td:first-child, h1:not(:has([lang]))"
# Names that are written in Latin letters in any language.
NAMES = set("JavaScript Shift epoch sigma zeta sgd adam adamw doctor ravine train CONFIG seeds lr "
            "line_position batch_size full UNCLEAR HEALTHY BOUNCING "
            "good again poor English".split())  # fmt: skip

SHOWN = """
const data = new Set(document.querySelectorAll(arguments[0]));
const told = [];
const walk = (e) => {
  if (data.has(e) || e.matches("script, style, template, noscript")) return;
  if (getComputedStyle(e).display === "none" && !e.matches("title, desc, option")) return;
  const lang = e.getAttribute("lang");
  if (e.matches("title, desc") && lang && lang !== document.documentElement.lang) return;
  for (const name of ["title", "aria-label", "label"]) told.push(e.getAttribute(name) ?? "");
  for (const n of e.childNodes) {
    if (n.nodeType === 3) told.push(n.data);
    if (n.nodeType === 1) walk(n);
  }
};
walk(document.querySelector("main"));
return told.map((t) => t.trim()).filter((t) => t);
"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_speaks_one_language(browser, pages, name):
    """Headings, tables, charts, what only a screen reader says, what the pointer shows."""
    browser.get(pages[name].as_uri())
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "svg .tick"), "there are charts")
    told = {}
    for language in ("zh-CN", "zh-TW", "en"):
        browser.find_element(By.ID, "language").click()
        assert browser.execute_script("return document.documentElement.lang") == language
        for plot in browser.find_elements(By.CSS_SELECTOR, "#loss .plot"):
            ActionChains(browser, duration=0).move_to_element(plot).perform()
        told[language] = browser.execute_script(SHOWN, DATA)
        texts = [text for text in told[language] if text not in ("中文", "繁體中文")]
        if language == "en":
            assert not HAN.search(" ".join(texts))
            continue
        for text in texts:
            (assert_of_china if language == "zh-CN" else assert_of_taiwan)(text)
            words = set(re.findall(r"[A-Za-z_]{3,}", text))
            assert words <= NAMES, f"{words - NAMES} in {text}"
    assert len(told["zh-CN"]) == len(told["zh-TW"]) > 20
    assert_quiet(browser)


C_STRING = r'"((?:[^"\\]|\\.)*)"'


def source(path):
    """Of a C file, with its strings in one piece."""
    text = re.sub(
        r'%" PRId64(\s*"|(?=,))', lambda m: "%d" if m[1] else '%d"', (ROOT / path).read_text()
    )
    return re.sub(r'"\s*\n\s*"', "", text)


# ---- texts that these pages did not happen to show -----------------------------------------------

TEMPLATES = sorted(
    [
        *ROOT.glob("app/report/*.html"),
        *ROOT.glob("app/lecture/*.html"),
        ROOT / "app/commands/find_lr/find_lr.html",
        ROOT / "app/commands/race/race.html",
        *ROOT.glob("app/commands/sweep/*.html"),
    ]
)
SOURCES = [
    *ROOT.glob("app/report/*.c"),
    ROOT / "app/run/run_facts.c",
    ROOT / "app/run/diagnosis.c",
    ROOT / "app/run/diagnosis_rows.c",
    ROOT / "app/trainer/find_lr.c",
    ROOT / "app/commands/find_lr/cmd_find_lr.c",
    *ROOT.glob("app/commands/sweep/*.c"),
]
TEXT = re.compile(r"{{((?:[^{}|]|{\w+})*)\|((?:[^{}|]|{\w+})*)}}")


def test_a_template_has_no_text_in_one_language_alone():
    for path in TEMPLATES:
        rest = TEXT.sub("", path.read_text())
        rest = re.sub(r"{{\w+}}|<var>.*?</var>|<sub>.*?</sub>|<[^>]*>|&#?\w+;", "", rest)
        names = {"ravine", "lecture"}  # at the foot of the lecture
        assert set(re.findall(r"[^\W\d_]{2,}", rest)) <= names, path.name
        for english, chinese in TEXT.findall(path.read_text()):
            assert not HAN.search(english) and (HAN.search(chinese) or len(english) < 3), english


def test_each_chinese_text_is_written_as_in_taiwan_too():
    taiwan = dict(re.findall(rf"TAIWAN\({C_STRING},\s*{C_STRING}\)", source("app/page/taiwan.def")))
    texts = [chinese for path in TEMPLATES for _, chinese in TEXT.findall(path.read_text())]
    for path in SOURCES:
        texts += [text for text in STRING.findall(source(path)) if HAN.search(text)]
    assert len(texts) > 180
    for text in texts:
        assert_of_china(text)
        assert_of_taiwan(taiwan.get(text, text))
        assert_same_terms(text, taiwan.get(text, text))


# ---- what the doctor says in Chinese -------------------------------------------------------------


def doctor_words():
    """{kind: [strings of a row]}"""
    text = source("app/run/diagnosis_words.def").partition("clang-format off")[2]
    rows = re.findall(r"^([A-Z]+)\((.*?)\)$", text, flags=re.M | re.S)
    kinds = {}
    for kind, row in rows:
        kinds.setdefault(kind, []).append(STRING.findall(row))
    return kinds


def evidence_formats():
    """[(name, format)] of everything that is said as evidence."""
    found = re.findall(rf'^(?:SAY|ASIDE)\(\w+, "(\w+)", .*?, {C_STRING}',
                       source("lib/doctor/judge/evidence.def"), flags=re.M)  # fmt: skip
    found += re.findall(rf'\bsay\(w, "(\w+)",[^"]*?{C_STRING}',
                        source("lib/doctor/judge/explain.c"))  # fmt: skip
    found += re.findall(rf'log_say\(\s*d,[^"]*"(\w+)",[^"]*?{C_STRING}',
                        source("app/logs/log_doctor.c"))  # fmt: skip
    assert len(found) > 180
    return found


def test_each_evidence_is_said_in_chinese():
    rows = doctor_words()["EVIDENCE"]
    for name, english in evidence_formats():
        fitting = [(word, china) for key, word, china, _ in rows if key == name]
        assert any(word in english for word, _ in fitting), name
        china = next(china for word, china in fitting if word in english)
        told = re.sub(r"%(?:\.\d)?[dfg]", "1", english.replace("%%", ""))
        numbers = [t for t in told.split() if re.fullmatch(r"\(?-?\d[\d.]*[,:;)]*", t)]
        wanted = max([0, *map(int, re.findall(r"#(\d)", china))])
        nested = len(re.findall("%s", english))  # which may have a number too
        assert wanted <= len(numbers) + nested, f"{english} | {china}"


def test_each_verdict_is_told_from_what_it_is_not():
    body = source("lib/doctor/judge/explain.c").partition("static void say_not(")[2]
    verdicts = re.findall(r"case RAVINE_VERDICT_(\w+):", body.partition("\n}\n")[0])
    assert len(verdicts) > 10
    assert {v.lower() for v in verdicts} == {row[0] for row in doctor_words()["NOT"]}


UNKNOWN_IN = [
    "app/logs/log_doctor.c",
    "app/run/run_doctor.c",
    "app/commands/doctor/doctor_examine.c",
    "app/commands/doctor/doctor_run.c",
]


def test_each_unknown_is_said_in_chinese():
    words = [row[0] for row in doctor_words()["UNKNOWN"]]
    texts = re.findall(rf"cannot_tell\(x, {C_STRING}", source("lib/doctor/judge/explain.c"))
    for path in UNKNOWN_IN:
        texts += re.findall(rf"diagnosis_cannot_tell\(\s*[^\s,]*,\s*{C_STRING}", source(path))
    gaps = source("app/logs/gaps.def").partition("*/")[2]
    texts += re.findall(rf"GAP\(\w+, {C_STRING}", gaps)
    texts += [line for _, line in re.findall(rf"LINE\(\w+, {C_STRING}, {C_STRING}", gaps)]
    assert len(texts) > 40
    for half in (half for text in texts for half in text.split("; ")):
        assert any(word in half for word in words), half


def test_what_the_doctor_says_is_of_its_readers():
    rows = [row for kind in doctor_words().values() for row in kind]
    assert len(rows) > 250
    for *_, china, taiwan in rows:
        assert_of_china(china)
        assert_of_taiwan(taiwan)
        assert_same_terms(china, taiwan)
        marks = "#\\d|{[^:]*:|[|}]"
        assert re.findall(marks, china) == re.findall(marks, taiwan)
