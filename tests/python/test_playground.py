# SPDX-License-Identifier: Apache-2.0
"""The playground in a browser: bits, hands, links, words."""

import json
import re
import subprocess
import time
from fractions import Fraction

import lecture_reference
import pytest
from chinese import HAN, assert_of_china, assert_of_taiwan, assert_same_terms
from conftest import RAVINE, ROOT, assert_quiet, wait_for
from pictures import crossings, pieces_of, trails_of
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
    """What is chosen, and the address once it was written."""
    wait_for(lambda: browser.execute_script("return !writing"), "the address is not written")
    return browser.execute_script(
        "return JSON.parse(JSON.stringify({chosen, hash: location.hash}))"
    )


def test_the_page_is_small_and_loads_nothing(browser):
    assert PAGE.stat().st_size < 1_000_000
    text = PAGE.read_text()
    assert "default-src 'none'" in text and not re.search(r"(src|href)=\"http", text)
    open_page(browser, "e")
    asked = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert asked == 0
    assert_quiet(browser)


def test_the_first_picture_comes_at_once(browser):
    """Within a second where nothing else runs; on a busy machine the best of three is looked at."""
    took = []
    for _ in range(3):
        open_page(browser, "e")
        mark = "return performance.getEntriesByName('picture')[0].startTime"
        took.append(browser.execute_script(mark) / 1000)
    print("first picture after", ", ".join(f"{seconds:.2f}" for seconds in took), "s")
    assert min(took) < 3


@pytest.mark.parametrize("surface", SURFACES)
def test_the_bits_are_those_of_the_command(browser, surface, tmp_path):
    """Every number of every step, read from the command's CSV with 17 digits."""
    open_page(browser)
    listed = browser.execute_script("return ravine.tables.surfaces.map((row) => row.name)")
    assert {name.split()[0] for name in SURFACES} == set(listed), "one is not compared"
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
    (left, right), (low, high) = browser.execute_script("return [window_.x, window_.y]")
    assert left <= -2 and right >= 2 and low <= -1 and high > 2, "the start is within reach"
    x = left + (right - left) * (box["width"] / 2 + 60) / box["width"]
    y = high - (high - low) * (box["height"] / 2 - 40) / box["height"]
    assert chosen["start"] == pytest.approx([x, y], abs=0.05)
    theta = browser.execute_script("return [...races[0].theta.slice(0, 2)]")
    assert theta == chosen["start"]
    assert browser.execute_script("return races[0].loss.at(-1)") != before
    plane.send_keys(Keys.ARROW_LEFT)
    assert state(browser)["chosen"]["start"][0] == pytest.approx(x - (right - left) / 50, abs=0.05)
    assert_quiet(browser)


SLIDE = """
const [name] = arguments;
const told = [];
const [run] = chosen.runs;
run.optimizer = name;
drawRuns();
for (const slider of document.querySelectorAll(".run [type=range]"))
  for (const place of [0, 500, 1000]) {
    run.optimizer = name;
    slider.value = place;
    slider.dispatchEvent(new Event("input"));
    told.push([slider.dataset.setting, find("failure").textContent, run.optimizer]);
  }
return told;
"""


def test_a_slider_sets_what_the_library_allows(browser):
    open_page(browser, "surface=crescent&steps=3&run=adam lr=0.02")
    bounds = browser.execute_script("return ravine.tables.settings")
    names = browser.execute_script("return Object.keys(ravine.tables.rules)")
    assert len(names) == 20 and bounds["beta1"]["interval"] == "[0, 1)"
    for name in names:
        told = browser.execute_script(SLIDE, name)
        assert len(told) > 3, name
        for setting, failed, optimizer in told:
            assert f" {setting}=" in optimizer, "the slider sets nothing"
            # several may be too much together; by itself each is within its bounds
            assert "it must be in" not in failed, f"{optimizer}: {failed}"


def test_a_wrong_setting_is_told_in_the_words_of_the_library(browser):
    open_page(browser, "surface=crescent&steps=50&run=adam lr=0.02")
    browser.execute_script("chosen.runs[0].optimizer = 'adam beta1=2'; changed()")
    assert failure(browser) == "beta1 of adam is 2; it must be in [0, 1)"
    browser.execute_script(
        "chosen.runs[0].optimizer = 'adam'; chosen.runs[0].schedule = 'cosin(9)'; changed()"
    )
    assert "cosine" in failure(browser)


COUNT_WRITINGS = """
window.writings = 0;
const replace = history.replaceState.bind(history);
history.replaceState = (...given) => (writings++, replace(...given));
"""


def test_the_address_is_written_a_few_times_a_second(browser):
    """More, and Chromium throttles the page."""
    open_page(browser, "surface=crescent&steps=40&run=adam lr=0.02")
    state(browser)
    browser.execute_script(COUNT_WRITINGS)
    begun = time.monotonic()
    browser.execute_async_script(
        """const done = arguments[0];
        let n = 0;
        const move = () => { moveTo(n % 40); if (++n < 99) setTimeout(move); else done(); };
        move();"""
    )
    found = state(browser)
    took = time.monotonic() - begun
    writings = browser.execute_script("return writings")
    assert 1 <= writings <= 1 + 5 * took, f"{writings} in {took:.1f} s"
    assert found["chosen"]["at"] == 98 % 40 and "at=18&" in found["hash"], "the last state"
    assert_quiet(browser)


@pytest.mark.parametrize("way", ["dispatchEvent(new Event('pagehide'))", "find('link').click()"])
def test_the_address_is_right_when_it_is_taken(browser, way):
    """The page is left, or its link copied, before the next writing is due."""
    open_page(browser, "surface=crescent&steps=40&run=adam lr=0.02")
    state(browser)
    assert "at=7&" in browser.execute_script(f"moveTo(7); {way}; return location.hash")


def test_an_address_that_is_asked_for_is_not_overwritten(browser):
    open_page(browser, "surface=crescent&steps=40&run=adam lr=0.02")
    browser.execute_script("moveTo(7); location.hash = '#surface=beale&steps=9'; writeAddress()")
    asked = "return chosen.surface === 'beale' && chosen.steps === 9"
    wait_for(lambda: browser.execute_script(asked), "what was asked for is lost")
    assert state(browser)["hash"].startswith("#surface=beale&steps=9")


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
    for language, words in (("zh-CN", "优化器的步子"), ("zh-TW", "最佳化器的步伐")):
        browser.execute_script("setLanguage(arguments[0]); moveTo(1000)", language)
        assert words in doctor.text


# ---- the lecture ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lecture(tmp_path_factory):
    """The folder that `ravine lecture` writes, and its numbers."""
    folder = tmp_path_factory.mktemp("lecture") / "made"
    command = [RAVINE, "lecture", "--json", "-o", folder]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder, json.loads(done.stdout)


FIGURES = re.findall(r"^  (\w): ", (ROOT / "web/presets.js").read_text(), re.M)
# What a figure shows where lecture.json does not list its runs; None: it has no race.
UNLISTED = {
    "a": None,
    "c": ["adagrad_mean"],
    "d": [("rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.002", None)],
    "i": ["rmsprop_0.1"],
    "k": [
        (f"rmsprop alpha={alpha} initial_form=gradient eps=0 lr=0.02", None)
        for alpha in ("0.1", "0.9", "0.999")
    ],
    "l": None,
    "o": [("sgd lr=5", "constant(200, from=5) constant(100, from=1)"), ("sgd lr=1.5", None)],
    "p": list(lecture_reference.WAY.values()),
}
RACES = """
return races.map((race) => ({
  last: race.step.at(-1),
  theta: [...race.theta.slice(-2)].map(String),
  unstable: race.step.find((step, k) => step > 5 && race.sharpness[k] > race.limit[k]) ?? null,
}));
"""
ROWS = "return ['theta', 'gradient', 'sigma'].map((name) => [...races[0][name]])"


def open_figure(browser, letter):
    open_page(browser, letter)
    assert browser.find_element(By.ID, "figure").get_attribute("value") == letter
    return browser.execute_script("return JSON.parse(JSON.stringify(chosen))")


def assert_same_end(race, measured, run):
    overflow = measured["nonfinite_step"]
    assert race["last"] == (run["steps"] if overflow is None else overflow), run["key"]
    if overflow is None:
        end = [float(value) for value in race["theta"]]
        assert end == [measured["end_b"], measured["end_w"]], run["key"]


@pytest.mark.parametrize("letter", FIGURES)
def test_a_preset_is_the_run_of_the_lecture(browser, lecture, letter):
    """Its runs end and overflow where the lecture's do, to the bit; else the page says why."""
    folder, numbers = lecture
    by_key = {run["key"]: run for run in numbers["runs"]}
    figure = numbers["figures"][letter]
    shown = figure["runs"] or UNLISTED[letter]
    chosen = open_figure(browser, letter)
    note = browser.find_element(By.ID, "note")
    assert bool(note.text) == note.is_displayed()
    if shown is None:
        assert note.text
        return
    wanted = [by_key.get(run, run) for run in shown]
    texts = [(w["optimizer"], w["schedule"]) if isinstance(w, dict) else w for w in wanted]
    here = [(run["optimizer"], run["schedule"] or None) for run in chosen["runs"]]
    assert here[: len(texts)] == texts
    assert len(here) == len(texts) or note.text, "a run more than the lecture's"
    page = (folder / "index.html").read_text()
    if f'class="motion" data-figure="{figure["name"]}"' in page:
        assert chosen["steps"] == trails_of(page, figure["name"])["step"][-1]
    for run, race in zip(wanted, browser.execute_script(RACES), strict=False):
        if isinstance(run, dict) and chosen["steps"] == run["steps"]:
            assert_same_end(race, run["measured"], run)


def test_a_run_that_leaves_is_drawn_where_it_goes(browser):
    """The lecture's five lines of GD 1e-2, in the numbers of the axes; and the doctor says so."""
    open_figure(browser, "b")
    path, width, height, x, y, steps = browser.execute_script(
        "return [drawing.querySelector('.walked').getAttribute('d'), plane.clientWidth,"
        "plane.clientHeight, window_.x, window_.y, races[0].step.length]"
    )
    assert steps == 37, "every step, and where it overflows"
    lines = [
        [(x[0] + (x[1] - x[0]) * a / width, y[1] - (y[1] - y[0]) * b / height) for a, b in piece]
        for piece in pieces_of(path.replace("L", " L").replace("M", " M"))
    ]
    pixel = (x[1] - x[0]) / width
    found = crossings(lines)
    assert len(found) == len(lines) == 5, "what float64 cannot tell is not drawn"
    want = lecture_reference.crossings_of_descent(Fraction(1, 100), 5)
    assert found[:4] == pytest.approx(want[:4], abs=pixel)
    assert found[4] == pytest.approx(want[4], abs=1)  # float64 has no more at 1e19
    told = browser.find_elements(By.CSS_SELECTOR, "#doctor p")
    assert len(told) == 6 and all("diverging" in line.text for line in told[:4])
    assert browser.execute_script("return plots.momentum.y.greatest") < 1e17


def size_ratios(gradient, sigma):
    """|m| / sigma of each step, m <- 0.9 m + 0.1 g."""
    m, ratios = 0.0, []
    for g, scale in zip(gradient, sigma, strict=True):
        m = 0.9 * m + 0.1 * g
        ratios.append(abs(m) / scale)
    return ratios


def test_the_numbers_of_figures_are_in_the_page(browser, lecture):
    """What the lecture says of sigma, of m and of the first step that is unstable."""
    told = {
        letter: {key: fact["value"] for key, fact in figure["numbers"].items()}
        for letter, figure in lecture[1]["figures"].items()
    }
    open_figure(browser, "c")
    every = browser.execute_script("return races[0].step[1]")
    sigma = browser.execute_script(ROWS)[2]
    for step in (0, 500):
        b, w = sigma[2 * step // every : 2 * step // every + 2]
        assert (b, w) == (told["c"][f"sigma_b_{step}"], told["c"][f"sigma_w_{step}"])
    open_figure(browser, "d")
    theta, _, sigma = browser.execute_script(ROWS)
    assert theta[:2] == [-1.5, 2]
    assert [sigma[2 * t] for t in (0, 100, 800)] == [
        told["d"][f"rmsprop_{t}"] for t in (0, 100, 800)
    ]
    open_figure(browser, "e")
    (burst,) = browser.execute_script(RACES)
    mean = next(run for run in lecture[1]["runs"] if run["key"] == "adagrad_mean")
    assert burst["unstable"] == mean["measured"]["first_unstable_step"]
    open_figure(browser, "i")
    _, gradient, sigma = browser.execute_script(ROWS)
    ratio = [size_ratios(gradient[k::2][:1000], sigma[k::2][:1000]) for k in (0, 1)]
    assert (ratio[0][160], ratio[1][999]) == (told["i"]["along"], told["i"]["across"])


def test_the_lecture_links_to_it(browser, lecture):
    folder, _ = lecture
    assert (folder / "playground.html").read_bytes() == PAGE.read_bytes()
    index = (folder / "index.html").read_text()
    links = re.findall(r'href="(playground.html#(\w))"', index)
    assert [letter for _, letter in links] == FIGURES
    browser.get((folder / "index.html").as_uri())
    section = browser.find_element(By.ID, "i")
    link = section.find_element(By.CSS_SELECTOR, "a[href^=playground]")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
    link.click()
    ready = "return document.body.dataset.ready && document.getElementById('figure').value"
    wait_for(lambda: browser.execute_script(ready) == "i", "the link does not lead to its figure")
    assert_quiet(browser)


def test_a_long_run_leaves_room_for_the_hand(browser):
    """A change meanwhile is what counts, and nothing of what was given up is shown."""
    open_page(browser, "surface=lecture&steps=50&run=adam lr=1&run=radam lr=1")
    made = browser.execute_script(
        "chosen.steps = STEPS_MOST; changed(); const made = [races.length, plane.ariaBusy];"
        "chosen.steps = 50; changed(); return [...made, races.length, plane.ariaBusy]"
    )
    assert made == [1, "true", 2, "false"]
    time.sleep(1)
    assert browser.execute_script("return races.map((race) => race.step.at(-1))") == [50, 50]


# ---- words and looks -----------------------------------------------------------------------------


def test_no_text_is_missing(browser):
    open_page(browser)
    texts, languages = browser.execute_script("return [texts, LANGUAGES]")
    for key, row in texts.items():
        assert len(row) == len(languages) == 3 and all(row), key
        assert len({text.count("{}") for text in row}) == 1, key
    used = browser.execute_script(
        "return [...document.querySelectorAll('[data-text]')].map((e) => e.dataset.text)"
    )
    script = (ROOT / "web/playground.js").read_text()
    for inside in re.findall(r"say\(([^`][^()]*)\)", script):
        used += re.findall(r'"(\w+)"', inside)
    notes = {f"note_{letter}" for letter in FIGURES}
    assert set(used) <= set(texts) <= set(used) | notes and len(used) > 25


def test_each_chinese_is_that_of_its_readers(browser):
    open_page(browser)
    titles = "ravine.tables.surfaces.map((row) => row.title)"
    rows = browser.execute_script(f"return Object.values(texts).concat({titles})")
    assert len(rows) > 40
    for _, china, taiwan in rows:
        if china == "繁體中文":
            continue  # the button that leads on is written as in Taiwan
        assert_of_china(china)
        assert_of_taiwan(taiwan)
        assert_same_terms(china, taiwan)


@pytest.mark.parametrize("language", ["en", "zh-CN", "zh-TW"])
def test_the_page_speaks_one_language(browser, language):
    """All that is shown, but for names, formulas, verdicts and the other language's button."""
    open_page(browser, "d")
    seen = [browser.find_element(By.ID, "language").text]
    while browser.execute_script("return document.documentElement.lang") != language:
        browser.find_element(By.ID, "language").click()
        seen.append(browser.find_element(By.ID, "language").text)
    assert all(seen) and len(set(seen)) == len(seen), "the button goes through them"
    browser.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    shown = browser.find_element(By.TAG_NAME, "main").text.replace(seen[-1], "")
    if language == "en":
        assert not HAN.search(shown)
        return
    (assert_of_china if language == "zh-CN" else assert_of_taiwan)(shown)
    browser.execute_script(
        "document.querySelectorAll('code, select, .setting, #doctor b').forEach((e) => e.remove())"
    )
    rest = browser.find_element(By.TAG_NAME, "main").text.replace(seen[-1], "")
    words = set(re.findall(r"[A-Za-z]{3,}", rest))
    assert words <= {"RMSProp", "Rosenbrock", "Ravine", "ravine", "dev"}, words


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 390])
def test_it_fits_and_can_be_read(browser, width, dark):
    open_page(browser, "d", width, dark)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    small = browser.execute_script(
        """return [...document.querySelectorAll('body *')].filter((e) =>
        e.getClientRects().length
        && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
        && parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.outerHTML.slice(0, 99))"""
    )
    assert small == []


def test_json_of_the_tables_is_whole(browser):
    open_page(browser)
    told = browser.execute_script("return ravine.tables")
    listed = json.loads(
        subprocess.run(
            [RAVINE, "race", "--surfaces", "--json"], check=True, capture_output=True
        ).stdout
    )
    assert [s["name"] for s in told["surfaces"]] == [s["name"] for s in listed["surfaces"]]
