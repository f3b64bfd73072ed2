# SPDX-License-Identifier: Apache-2.0
"""The playground in a browser: bits, hands, links, words."""

import json
import re
import subprocess
import time

import pytest
from conftest import RAVINE, ROOT, assert_quiet, wait_for
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PAGE = RAVINE.with_name("playground.html")
pytestmark = pytest.mark.skipif(
    not PAGE.exists(), reason="built without RAVINE_PLAYGROUND: `make playground`"
)
SURFACES = [
    "lecture",
    "crescent",
    "ravine",
    "quadratic",
    "quadratic size=5 condition=1e4 rotated=true",
    "noisy_quadratic",
    "saddle",
    "monkey",
    "beale",
    "himmelblau",
    "rastrigin",
    "tanh_chain",
    "logistic",
]
RUNS = [
    ("sgd lr=1e-3 momentum=0.9", ""),
    ("adam lr=0.02", "warmup(20) cosine(100, to=0) lr=0.02"),
    ("adagrad_mean lr=0.1", ""),
    ("radam lr=0.01 weight_decay=0.1", ""),
    ("lamb lr=0.01", ""),
    ("lion lr=1e-3", ""),
]


def open_page(browser, link="", width=1400, dark=False):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.get("about:blank")
    browser.get(f"{PAGE.as_uri()}#{link}")
    ready = "return document.body.dataset.ready"
    wait_for(lambda: browser.execute_script(ready), "the page is not ready")
    assert failure(browser) == ""


def failure(browser):
    return browser.find_element(By.ID, "failure").text


def state(browser):
    return browser.execute_script(
        "return JSON.parse(JSON.stringify({chosen, hash: location.hash}))"
    )


def test_the_page_is_small_and_loads_nothing(browser):
    assert PAGE.stat().st_size < 1_000_000
    text = PAGE.read_text()
    assert "default-src 'none'" in text and not re.search(r"(src|href)=\"http", text)
    begin = time.monotonic()
    open_page(browser, "e")
    print(f"open in {time.monotonic() - begin:.2f} s")
    asked = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert asked == 0
    assert_quiet(browser)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_bits_are_those_of_the_command(browser, surface, tmp_path):
    """Every number of every step, read from the command's CSV with 17 digits."""
    open_page(browser)
    size = browser.execute_script("return ravine.setSurface(arguments[0]).size", surface)
    for optimizer, schedule in RUNS:
        got = browser.execute_script(
            """
            const [surface, optimizer, schedule] = arguments;
            const { size } = ravine.setSurface(surface);
            const row = ravine.tables.surfaces.find((s) => s.name === surface.split(" ")[0]);
            const start = [...row.start, ...Array(size - 2).fill(row.start[1])];
            const race = ravine.race(0, { start, optimizer, schedule, steps: 150 });
            return Object.fromEntries(Object.entries(race).filter(([, v]) => v.length !== undefined
                && v instanceof Float64Array).map(([k, v]) => [k, [...v].map(String)]));
            """,
            surface,
            optimizer,
            schedule,
        )
        path = tmp_path / "race.csv"
        command = [RAVINE, "race", f"--surface={surface}", "-p", optimizer, "-n", "150"]
        command += ["-o", path] + ([f"--schedule={schedule}"] if schedule else [])
        subprocess.run(command, check=True, capture_output=True)
        head, *lines = [line.split(",") for line in path.read_text().splitlines()]
        # the name may be quoted; it is the first field and has no comma of its own
        assert len(lines) == len(got["step"]), (optimizer, len(lines))
        single = {"loss": "loss", "gradNorm": "grad_norm", "eta": "eta", "sharpness": "sharpness"}
        columns = {name: [got[key]] for key, name in single.items() if name in head}
        for key, name in (
            ("theta", "theta"),
            ("gradient", "gradient"),
            ("sigma", "sigma"),
            ("m", "m"),
        ):
            for i in range(size):
                columns.setdefault(f"{name}{i + 1}", [got[key][i::size]])
        compared = 0
        for name, (values,) in columns.items():
            if name not in head:
                continue
            k = head.index(name)
            for line, value in zip(lines, values, strict=True):
                want = line[k]
                here = float(value.replace("Infinity", "inf").replace("NaN", "nan"))
                same = here == float(want) if want not in ("", "null") else here != here
                assert same, f"{surface}, {optimizer}: {name} at step {line[1]}: {value}, {want}"
                compared += 1
        assert compared >= (size + 1) * len(lines)


def test_dragging_the_start_makes_the_runs_anew(browser):
    open_page(browser, "surface=crescent&steps=200&run=adam lr=0.02")
    plane = browser.find_element(By.ID, "plane")
    before = browser.execute_script("return races[0].loss.at(-1)")
    actions = ActionChains(browser)
    actions.move_to_element(plane).click_and_hold().move_by_offset(60, -40).release().perform()
    chosen = state(browser)["chosen"]
    box = plane.rect
    x = -2 + 4 * (box["width"] / 2 + 60) / box["width"]
    y = 2 - 3 * (box["height"] / 2 - 40) / box["height"]
    assert chosen["start"] == pytest.approx([x, y], abs=0.05)
    theta = browser.execute_script("return [...races[0].theta.slice(0, 2)]")
    assert theta == chosen["start"]
    assert browser.execute_script("return races[0].loss.at(-1)") != before
    plane.send_keys(Keys.ARROW_LEFT)
    assert state(browser)["chosen"]["start"][0] == pytest.approx(x - 4 / 50, abs=0.05)
    assert_quiet(browser)


def test_a_slider_sets_what_the_library_allows(browser):
    open_page(browser, "surface=crescent&steps=50&run=adam lr=0.02")
    bounds = browser.execute_script("return ravine.tables.settings")
    names = browser.execute_script("return Object.keys(ravine.tables.rules)")
    assert len(names) == 20 and bounds["beta1"]["interval"] == "[0, 1)"
    browser.execute_script("document.querySelector('.run details').open = true")
    for name in names:
        browser.execute_script(
            "chosen.runs[0].optimizer = arguments[0]; drawRuns(); changed()", name
        )
        for slider in browser.find_elements(By.CSS_SELECTOR, ".run [type=range]"):
            setting = slider.get_attribute("data-setting")
            for place in (0, 500, 1000):
                browser.execute_script(
                    """arguments[0].value = arguments[1];
                    arguments[0].dispatchEvent(new Event('input'))""",
                    slider,
                    place,
                )
                told = failure(browser)
                # several may be too much together; by itself each is within its bounds
                assert "it must be in" not in told, f"{name}, {setting}: {told}"
            browser.execute_script("chosen.runs[0].optimizer = arguments[0]; changed()", name)


def test_a_wrong_setting_is_told_in_the_words_of_the_library(browser):
    open_page(browser, "surface=crescent&steps=50&run=adam lr=0.02")
    browser.execute_script("chosen.runs[0].optimizer = 'adam beta1=2'; changed()")
    assert failure(browser) == "beta1 of adam is 2; it must be in [0, 1)"
    browser.execute_script(
        "chosen.runs[0].optimizer = 'adam'; chosen.runs[0].schedule = 'cosin(9)'; changed()"
    )
    assert "cosine" in failure(browser)


def test_a_link_makes_the_same_page(browser):
    open_page(
        browser,
        "surface=beale&start=1,1.25&steps=321&at=40"
        "&run=adan lr=0.01&run=sgd lr=1e-4|warmup(9) constant lr=1e-4",
    )
    first = state(browser)
    loss = browser.execute_script("return races.map((race) => [...race.loss])")
    assert first["chosen"]["at"] == 40
    browser.get("about:blank")
    open_page(browser, first["hash"][1:])
    assert state(browser) == first
    assert browser.execute_script("return races.map((race) => [...race.loss])") == loss


def test_play_step_and_scrub(browser):
    open_page(browser, "surface=crescent&steps=300&run=adam lr=0.02")
    at = "return Number(document.getElementById('at').value)"
    browser.find_element(By.ID, "back").click()
    assert browser.execute_script(at) == 299
    browser.find_element(By.ID, "forward").click()
    browser.find_element(By.ID, "play").click()
    wait_for(lambda: 0 < browser.execute_script(at) < 300, "it does not play")
    browser.find_element(By.ID, "at").send_keys(" ")
    stopped = browser.execute_script(at)
    time.sleep(0.2)
    assert browser.execute_script(at) == stopped


def test_the_doctor_speaks_as_it_happens(browser):
    open_page(browser, "e")
    doctor = browser.find_element(By.ID, "doctor")
    assert "sigma burst" in doctor.text and "longer" in doctor.text
    browser.execute_script("moveTo(400)")
    assert "sigma burst" not in doctor.text
    browser.execute_script("setLanguage('zh-CN'); showStep()")
    browser.execute_script("moveTo(1000)")
    assert re.search("[\u4e00-\u9fff]{8}", doctor.text)


def test_presets_are_the_runs_of_the_lecture(browser):
    open_page(browser)
    presets = browser.execute_script("return presets")
    assert sorted(presets) == list("abcdefghijklop")
    rows = (ROOT / "app/lecture/runs.def").read_text()
    for key in "efghjp":
        for run in re.findall(r"run=([^&]*)", presets[key]):
            optimizer, _, schedule = run.partition("|")
            words = set(optimizer.split())
            found = [
                r
                for r in re.findall(r'"((?:[a-z]+_?)+ [^"]*lr=[^"]*)"', rows)
                if set(r.split()) == words
            ]
            assert found, run
            assert not schedule or f'"{schedule}"' in rows, run
    for key in presets:
        open_page(browser, key)
    assert_quiet(browser)


def test_no_text_is_missing(browser):
    open_page(browser)
    texts, languages = browser.execute_script("return [texts, LANGUAGES]")
    for key, row in texts.items():
        assert len(row) == len(languages) == 3 and all(row), key
    used = browser.execute_script(
        "return [...document.querySelectorAll('[data-text]')].map((e) => e.dataset.text)"
    )
    used += re.findall(r'say\("(\w+)"\)', (ROOT / "web/playground.js").read_text())
    assert set(used) <= set(texts) and len(used) > 20


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 390])
def test_it_fits_and_can_be_read(browser, width, dark):
    open_page(browser, "f", width, dark)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    small = browser.execute_script(
        """return [...document.querySelectorAll('body *')].filter((e) =>
        e.getClientRects().length
        && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
        && parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.outerHTML.slice(0, 99))"""
    )
    assert small == []


def test_the_lecture_links_to_it(browser, tmp_path):
    subprocess.run(
        [RAVINE, "lecture", "-o", tmp_path / "l"], check=True, capture_output=True, timeout=120
    )
    assert (tmp_path / "l/playground.html").read_bytes() == PAGE.read_bytes()
    links = re.findall(r'href="playground.html#(\w)"', (tmp_path / "l/index.html").read_text())
    assert links == list("abcdefghij")


def test_json_of_the_tables_is_whole(browser):
    open_page(browser)
    told = browser.execute_script("return ravine.tables")
    listed = json.loads(
        subprocess.run(
            [RAVINE, "race", "--surfaces", "--json"], check=True, capture_output=True
        ).stdout
    )
    assert [s["name"] for s in told["surfaces"]] == [s["name"] for s in listed["surfaces"]]
