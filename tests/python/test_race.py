"""`ravine race`, run as a person runs it: what it prints, writes, and says of mistakes.

The built command is $RAVINE_BUILD/ravine (default build/ravine).
"""

import csv
import io
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as xml

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RAVINE = (ROOT / os.environ.get("RAVINE_BUILD", "build") / "ravine").resolve()
CHROMIUM = shutil.which("chromium")
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


def test_100000_steps_take_well_under_a_second():
    args = "--surface=lecture", "-p", "adam lr=1", "-n", 100000
    race_json(*args)
    start = time.monotonic()
    race_json(*args)
    assert time.monotonic() - start < 1


# ---- the page ------------------------------------------------------------------------------------

DRIVER = """
<script>
addEventListener("load", async () => {
  const say = (name, value) => (document.body.dataset[name] = value);
  const slider = document.querySelector("input"), button = document.querySelector("button");
  const output = document.querySelector("output"), line = document.querySelector(".walked .line");
  say("end", output.textContent);
  slider.value = "3";
  slider.dispatchEvent(new Event("input"));
  say("scrubbed", output.textContent);
  say("short", line.getAttribute("d").length);
  button.click();
  say("playing", button.textContent);
  await new Promise((done) => setTimeout(done, 300));
  slider.dispatchEvent(new KeyboardEvent("keydown", { key: " ", cancelable: true }));
  say("paused", button.textContent);
  say("moved", output.textContent);
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input"));
  say("long", line.getAttribute("d").length);
  say("wide", document.documentElement.scrollWidth > innerWidth);
});
</script></body>"""


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_plays_pauses_and_scrubs(tmp_path, width):
    page = tmp_path / "race.html"
    race("--surface=crescent", "-p", "adam lr=0.02", "-p", "sgd lr=1e-3", "-n", 900, "-o", page)
    text = page.read_text()
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    page.write_text(text.replace("</body>", DRIVER))
    done = subprocess.run(
        [
            CHROMIUM,
            "--no-sandbox",
            "--headless=new",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1200",
            "--virtual-time-budget=5000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', re.search("<body.*?>", done.stdout)[0]))
    assert "CONSOLE" not in done.stderr, done.stderr
    assert said["end"] == "step 900" and said["scrubbed"] == "step 0"
    assert said["playing"] == "Pause" and said["paused"] == "Play"
    assert said["moved"] != said["scrubbed"]
    assert int(said["long"]) > 5 * int(said["short"])
    assert said["wide"] == "false"


# ---- mistakes ------------------------------------------------------------------------------------

ADAM = ["--optimizer=adam"]
LECTURE = ["--surface=lecture"]


@pytest.mark.parametrize(
    "args, says",
    [
        ([], "--surface"),
        (LECTURE, "--optimizer"),
        (["--surface=lectur", *ADAM], "nearest is lecture"),
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
