# SPDX-License-Identifier: Apache-2.0
"""`ravine race`, run as a person runs it: what it prints, writes, and says of mistakes."""

import csv
import io
import json
import math
import os
import re
import subprocess
import time
import xml.etree.ElementTree as xml
from fractions import Fraction

import pytest
from conftest import RAVINE, assert_quiet, wait_for
from lecture_reference import crossings_of_descent
from pictures import (
    assert_tables_fit,
    assert_texts_can_be_read,
    crossings,
    panels_of,
    trails_of,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

KEYS = """optimizer settings schedule steps end distance loss excess_loss grad_norm
worst_excess_loss_last_tenth worst_distance_last_tenth first_unstable_step bursts
first_burst_step nonfinite_step settled_step""".split()


def race(*args, code=0, **env):
    done = subprocess.run(
        [RAVINE, "race", *map(str, args)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def race_json(*args):
    return json.loads(race(*args, "--json"))


# ---- for programs --------------------------------------------------------------------------------


def test_json_has_what_the_contract_says():
    race_of = race_json(
        "--surface=lecture",
        "--optimizer=adagrad_mean lr=1",
        "--optimizer=sgd lr=1e-2",
        "--steps=2000",
    )
    assert race_of["surface"] == "lecture" and race_of["dtype"] == "f64"
    assert race_of["start"] == [-120, -4]
    assert race_of["minimum"] == pytest.approx([-188.4332, 2.66945], abs=5e-5)
    mean, sgd = race_of["runs"]
    assert set(KEYS) <= set(mean)
    assert mean["optimizer"] == "adagrad_mean" and mean["settings"]["lr"] == 1
    assert mean["first_unstable_step"] == 512 and abs(mean["first_burst_step"] - 716) <= 5
    assert mean["nonfinite_step"] is None and mean["schedule"] is None and mean["steps"] == 2000
    assert sgd["first_unstable_step"] == 0 and sgd["nonfinite_step"] == 36
    assert sgd["excess_loss"] is None and sgd["settled_step"] is None


def test_what_does_not_apply_is_null():
    race_of = race_json("--surface=monkey", "--optimizer=lion", "--steps=10")
    (run,) = race_of["runs"]
    assert race_of["minimum"] is None and race_of["least_loss"] is None
    for key in "distance excess_loss first_unstable_step bursts first_burst_step".split():
        assert run[key] is None, key


def test_the_end_is_where_the_formula_leads():
    """Gradient descent on x^2/2 - y^2/2 + y^4/4, in this file's own arithmetic."""
    x, y = 1.25, -0.5
    for _ in range(30):
        x, y = x - 0.1 * x, y - 0.1 * y * (y * y - 1)
    race_of = race_json(
        "--surface=saddle", "--start=1.25,-.5", "--optimizer=sgd lr=0.1", "--steps=30"
    )
    (run,) = race_of["runs"]
    assert run["end"] == pytest.approx([x, y], rel=1e-13)
    assert run["distance"] == pytest.approx(math.hypot(x, y + 1), rel=1e-12)
    assert run["excess_loss"] == pytest.approx(x * x / 2 - y * y / 2 + y**4 / 4 + 0.25, rel=1e-12)


def test_single_precision_is_another_race():
    args = "--surface=crescent", "--optimizer=sgd lr=1e-3", "--steps=100"
    double, single = race_json(*args)["runs"][0], race_json(*args, "--dtype=f32")["runs"][0]
    assert double["end"] != single["end"]
    assert double["end"] == pytest.approx(single["end"], rel=1e-4)


def test_schedule_is_of_every_run():
    spec = "linear(10) lr=0.5"
    race_of = race_json("--surface=quadratic", "--schedule", spec, "-p", "sgd", "-p", "sgd lr=7")
    first, second = race_of["runs"]
    assert first["schedule"] == spec and first["end"] == second["end"]


def test_surfaces_are_listed():
    surfaces = json.loads(race("--surfaces", "--json"))["surfaces"]
    names = [s["name"] for s in surfaces]
    assert len(set(names)) == len(names) == 12 and "crescent" in names
    table = race("--surfaces")
    for surface in surfaces:
        assert surface["formula"] in table
        assert len(surface["start"]) == surface["size"]


def test_csv_has_a_row_for_each_step(tmp_path):
    race(
        "--surface=beale", "-p", "adam  lr=0.1", "-p", "sgd", "-n", 20, "-o", tmp_path / "race.csv"
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "race.csv").read_text())))
    assert [r["run"] for r in rows] == ["adam lr=0.1"] * 21 + ["sgd"] * 21
    assert [int(r["step"]) for r in rows] == [*range(21)] * 2
    assert float(rows[0]["theta1"]) == 1 and rows[0]["sigma1"] != "" and rows[20]["sigma1"] == ""


# ---- for people ----------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_terminal_shows_table_and_picture(locale):
    text = race("--surface=crescent", "-p", "adam lr=0.1", "-p", "sgd lr=1e-3", LC_ALL=locale)
    lines = text.splitlines()
    assert lines[0].startswith("crescent: (1 - w1)^2")
    assert any(line.startswith("adam lr=0.1 ") for line in lines)
    assert "* adam lr=0.1   + sgd lr=1e-3" in text
    assert "\033" not in text and max(map(len, lines)) <= 80


def test_more_coordinates_are_drawn_as_loss():
    text = race("--surface=quadratic size=5", "-p", "sgd lr=0.1", "-n", 300, LC_ALL="C")
    assert "excess loss over the steps" in text and "***" in text


def test_svg_is_well_formed(tmp_path):
    path = tmp_path / "race.svg"
    race("--surface=crescent", "-p", "adam lr=0.02", "-n", 500, "-o", path)
    root = xml.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    classes = [e.get("class", "") for e in root.iter()]
    assert classes.count("contour") == 13 and "cross" in classes
    texts = {e.text for e in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"w1", "w2", "step", "adam lr=0.02", "start", "minimum"} <= texts


def test_a_divergence_is_drawn_where_it_is(tmp_path):
    """Five steps of gradient descent, the ends up to 1e22 outside the picture."""
    want = crossings_of_descent(Fraction(1, 100), 5)
    run = "--surface=lecture", "-p", "sgd lr=1e-2", "-n", 5
    race(*run, "-o", tmp_path / "race.svg")
    plane = panels_of((tmp_path / "race.svg").read_text())[0]
    found = crossings(plane.paths(0))
    assert found[:4] == pytest.approx(want[:4], abs=0.03)
    assert found[4:] == pytest.approx(want[4:], abs=1)
    race(*run, "-o", tmp_path / "race.html")
    (trail,) = trails_of((tmp_path / "race.html").read_text(), "race")["trails"]
    x, y = plane.axes()
    played = [[(x(a), y(b)) for _, a, b in piece] for piece in trail["pieces"]]
    assert crossings(played) == pytest.approx(found, abs=1e-9)


def test_a_divergence_is_drawn_where_it_is_on_a_terminal():
    lines = race("--surface=lecture", "-p", "sgd lr=1e-2", "-n", 5, LC_ALL="C").splitlines()
    (zero,) = (line for line in lines if line.startswith(" 0 +"))
    axis = lines[-2]
    left, right = axis.index("-200"), axis.rindex("-100") + 3  # under the ends of the axis
    columns = [k for k, mark in enumerate(zero) if mark == "*"]
    found = [-200 + 100 * (k - left) / (right - left) for k in columns]
    want = crossings_of_descent(Fraction(1, 100), 5)
    assert found == pytest.approx(sorted(want), abs=1.5), "a column is 1.3 wide"


def test_100000_steps_take_well_under_a_second():
    args = "--surface=lecture", "-p", "adam lr=1", "-n", 100000
    race_json(*args)
    start = time.monotonic()
    race_json(*args)
    assert time.monotonic() - start < 1


SETTLING = "--surface=ravine", "-p", "adam lr=0.1", "-n", 1000  # ends at 1e-46
DIVERGING = "--surface=quadratic", "-p", "sgd lr=2.1", "-p", "sgd lr=1", "-n", 3000  # and at 1e248


@pytest.mark.parametrize(
    "args, start, rounding",
    [
        (SETTLING, 17**0.5 - 1 + 0.08, 2**-52),
        ((*SETTLING, "--dtype=f32"), 17**0.5 - 1 + 0.08, 2**-23),
        (DIVERGING, 0.505, 2**-52),
    ],
)
def test_the_loss_axis_shows_what_the_numbers_can_tell(args, start, rounding, tmp_path):
    """From the rounding of the loss at the start to a hundred million times of it."""
    race(*args, "-o", tmp_path / "race.svg")
    loss = panels_of((tmp_path / "race.svg").read_text())[1]
    ticks = [value for _, value in loss.ticks["y"]]
    assert min(ticks) >= rounding * start and max(ticks) <= 1e8 * start
    assert max(ticks) / min(ticks) >= 1e4


def test_a_loss_that_needs_less_gets_less(tmp_path):
    race("--surface=crescent", "-p", "adam lr=0.02", "-n", 300, "-o", tmp_path / "race.svg")
    loss = panels_of((tmp_path / "race.svg").read_text())[1]
    assert min(value for _, value in loss.ticks["y"]) > 1e-6


def test_the_loss_on_a_terminal_too():
    size = "--surface=quadratic size=5 condition=4"
    text = race(size, "-p", "sgd lr=0.5", "-n", 3000, LC_ALL="C")
    labels = [float(x) for x in re.findall(r"^ *([\de.+-]+) \+", text, re.M)]
    assert min(labels) >= 1e-18 and len(labels) >= 3, text


def test_contours_on_a_pipe_are_fine_lines():
    """What `ravine schedule` has there, too; the paths are marks upon them."""
    text = race("--surface=crescent", "-p", "adam lr=0.1", "-p", "sgd lr=1e-3", LC_ALL="C.UTF-8")
    picture = text.partition("(first)")[2].partition("┤")[2].rpartition("└")[0]
    assert re.search("[\u2801-\u28ff]", picture) and "*" in picture and "+" in picture
    assert "." not in re.sub(r"\d\.\d", "", picture)


# ---- the page ------------------------------------------------------------------------------------


def show(browser, page, width, scheme):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize("width, scheme", [(390, "dark"), (1400, "light")])
def test_the_page_plays_pauses_and_scrubs(browser, tmp_path, width, scheme):
    page = tmp_path / "race.html"
    race("--surface=crescent", "-p", "adam lr=0.02", "-p", "sgd lr=1e-3", "-n", 900, "-o", page)
    assert not re.search(r"""(src|href)=["'](?!data:)""", page.read_text())
    show(browser, page, width, scheme)
    button = browser.find_element(By.CSS_SELECTOR, ".player button")
    slider = browser.find_element(By.CSS_SELECTOR, ".player input")

    def step():
        text = browser.find_element(By.TAG_NAME, "output").text
        return int(re.fullmatch(r"t = ([\d,]+)", text)[1].replace(",", ""))

    def walked():
        return len(browser.find_element(By.CSS_SELECTOR, ".walked .line").get_attribute("d"))

    assert step() == 900
    whole = walked()
    slider.send_keys(Keys.HOME)
    assert step() == 0 and walked() < whole / 20
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert 3 <= step() <= 9
    button.click()
    assert button.text == "Pause" and button.get_attribute("aria-pressed") == "true"
    wait_for(lambda: step() > 50, "it does not play")
    slider.send_keys(" ")
    assert button.text == "Play"
    paused = step(), walked()
    time.sleep(0.2)
    assert (step(), walked()) == paused
    slider.send_keys(Keys.END)
    assert step() == 900 and walked() == whole
    assert not browser.execute_script("return document.documentElement.scrollWidth > innerWidth")
    assert_tables_fit(browser, width)
    assert_texts_can_be_read(browser)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 200) == (scheme == "dark")
    assert_quiet(browser)


def test_more_runs_than_colours_keep_their_names(browser, tmp_path):
    """The ninth is dashed in the colour of the first: as it is played, and under the pointer."""
    page = tmp_path / "race.html"
    runs = [argument for k in range(9) for argument in ("-p", f"sgd lr={1 + k}e-4")]
    race("--surface=crescent", *runs, "-n", 50, "-o", page)
    show(browser, page, 1400, "light")
    browser.find_element(By.CSS_SELECTOR, ".player input").send_keys(Keys.HOME)
    walked = browser.execute_script(
        "return [...document.querySelectorAll('.walked path')].map((p) => p.className.baseVal)"
    )
    assert len(walked) == 9
    assert [name.split().count("dashed") for name in walked] == [0] * 8 + [1]
    loss = browser.find_elements(By.CSS_SELECTOR, "#race .panel")[1]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", loss)
    ActionChains(browser).move_to_element(loss).perform()
    told = browser.find_element(By.CSS_SELECTOR, ".readout").text.splitlines()[1:]
    assert [line.rpartition(" ")[0] for line in told] == [f"sgd lr={1 + k}e-4" for k in range(9)]
    assert_quiet(browser)


def test_a_long_race_is_played_in_rising_steps(tmp_path):
    page = tmp_path / "race.html"
    race("--surface=lecture", "-p", "adagrad_mean lr=1", "-n", 100000, "-o", page)
    motion = trails_of(page.read_text(), "race")
    steps = motion["step"]
    assert steps[0] == 0 and steps[-1] == 100000 and len(steps) == 601
    assert all(a < b for a, b in zip(steps, steps[1:], strict=False))
    (trail,) = motion["trails"]
    assert len(trail["dot"]) == 2 * len(steps)


# ---- mistakes ------------------------------------------------------------------------------------

ADAM = ["--optimizer=adam"]
LECTURE = ["--surface=lecture"]


@pytest.mark.parametrize(
    "args, says",
    [
        ([], "--surface"),
        (LECTURE, "--optimizer"),
        (["--surface=lectur", *ADAM], "nearest is lecture"),
        (["--surface=convex_ravine", *ADAM], "nearest is ravine"),
        (["--surface=quad", *ADAM], "nearest is quadratic"),
        (["--surface=nothing_like_it", *ADAM], "`ravine race --surfaces` lists them"),
        (["--surface=ravine flt=1", *ADAM], "nearest is flat"),
        ([*LECTURE, "--optimizer=adma"], "adam"),
        ([*LECTURE, "--optimizer=adam beta=1"], "beta1"),
        ([*LECTURE, "--optimizer=adam beta1=1"], "[0, 1)"),
        ([*LECTURE, *ADAM, "--schedule=cosine(lr)"], "cosine"),
        ([*LECTURE, *ADAM, "--start=1"], "has 1 number; surface lecture has 2"),
        ([*LECTURE, *ADAM, "--start=1,2,3"], "has 3 numbers"),
        ([*LECTURE, *ADAM, "--start=1,x"], "1,x"),
        ([*LECTURE, *ADAM, "--start=1,nan"], "finite"),
        ([*LECTURE, *ADAM, "--steps=0"], "steps"),
        ([*LECTURE, *ADAM, "--steps=2000000000"], "1000000000"),
        ([*LECTURE, *ADAM, "--dtype=f16"], "f64 or f32"),
        ([*LECTURE, *ADAM, "--output=race.png"], ".html, .svg or .csv"),
        ([*LECTURE, *ADAM, "more"], "more"),
        (["--surface=lecture", "--optimizer=\033[31m"], "\\x1B"),
    ],
)
def test_a_mistake_is_one_line(args, says, tmp_path):
    error = race(*args, code=2)
    assert error.startswith("ravine: ") and error.count("\n") == 1
    assert says in error, error
