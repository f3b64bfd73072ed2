# SPDX-License-Identifier: Apache-2.0
"""`ravine lecture`: its numbers against the table of the lecture, its figures, what it prints."""

import html
import json
import math
import os
import pathlib
import re
import shlex
import subprocess
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import lecture_reference
import pytest
from conftest import RAVINE, ROOT
from lecture_reference import crossings_of_descent
from pictures import PLAYED, crossings, panels_of, trails_of
from schema import assert_conforms

IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")
PICTURES = ROOT / "docs/pictures"
FIGURES = "abcdefghijklmnop"
CHECKED = 112  # numbers that the reference has too
YOUNG = 8  # of them those of (l), which needs the images

# What the reference gives, with room where the phase of the bursts is chaotic.
TABLE = {
    "gd_1e-2": {"nonfinite_step": (36, 36), "growth_per_step": (17466, 17468)},
    "gd_1e-5": {"nonfinite_step": (124, 124)},
    "gd_1e-6": {"distance": (39.15, 39.25), "first_unstable_step": None, "bursts": (0, 0)},
    "gd_1e-7": {"end_b": (-123.70, -123.68), "end_w": (2.482, 2.484), "distance": (64.6, 64.8)},
    "heavy_ball": {"distance": (0.258, 0.260), "first_unstable_step": None},
    "adagrad_mean": {
        "worst_excess_loss_last_tenth": (1e6, 9e6),
        "first_unstable_step": (511, 513),
        "bursts": (60, 64),
        "first_burst_step": (711, 721),
    },
    "adagrad_mean_sqrt": {"distance": (0.065, 0.067), "bursts": (0, 0)},
    "adagrad_mean_linear": {"distance": (0, 1e-6), "first_unstable_step": (515, 519)},
    "adagrad_mean_warmup": {"first_unstable_step": (11200, 11360), "bursts": (27, 33)},
    "adagrad_mean_warmup_sqrt": {"distance": (0, 1e-9), "first_unstable_step": None},
    "adagrad_0.1": {"distance": (67.5, 67.7)},
    "adagrad_10": {"distance": (0, 1e-9)},
    "rmsprop_0.1": {"distance": (0.0706, 0.0708), "first_unstable_step": (138, 140)},
    "rmsprop_1": {"distance": (0.706, 0.708), "first_unstable_step": (51, 53)},
    "adam_1": {"first_unstable_step": (5470, 5490), "stability_limit": (37.99, 38.01)},
    "amsgrad_1": {"distance": (0, 1e-9), "bursts": (0, 0)},
    "complete": {"distance": (0, 1e-9), "first_unstable_step": (11100, 11170), "bursts": (0, 0)},
}
CRESCENT = {
    "rmsprop_0": (154, 156),
    "rmsprop_100": (2.5, 2.7),
    "rmsprop_800": (0.54, 0.56),
    "mean_100": (56, 58),
    "mean_800": (19.5, 20.5),
}
# (k): the longest step in units of eta, the greatest loss (4.01 at the start), the end.
ALPHA = {
    "longest_0.1": (1.48, 1.491),
    "longest_0.9": (4.15, 4.19),
    "longest_0.999": (43.1, 43.3),
    "loss_0.1": (4.32, 4.35),
    "loss_0.9": (5.47, 5.51),
    "loss_0.999": (90, 90.4),
    "distance_0.1": (0.36, 0.42),
    "distance_0.9": (0.13, 0.145),
    "distance_0.999": (0.14, 0.16),
}
# (p): the first step within 1 of the minimum, and the farthest of the last tenth; where bursts are
# chaotic the range is that of starts which differ by 1e-11, and more.
WAY = {
    "arrived_momentum": (75790, 75800),
    "arrived_adagrad": (2089, 2109),
    "arrived_rmsprop": (2388, 2392),
    "arrived_adam": (1484, 1488),
    "arrived_complete": (3394, 3398),
    "farthest_gd": (41.4, 41.5),
    "farthest_momentum": (0.45, 0.456),
    "farthest_adagrad": (2.2, 3.2),
    "farthest_rmsprop": (0.0705, 0.0709),
    "farthest_adam": (0.3, 0.45),
    "farthest_complete": (0, 1e-4),
}
# (l): 5 %, 50 % and 95 % of 10,000 sigmas, four standard errors around what chance does; r_t.
SIGMA = {
    "sigma_5_1": (0.052, 0.074),
    "sigma_50_1": (0.643, 0.706),
    "sigma_95_1": (1.885, 2.035),
    "sigma_5_100": (0.877, 0.889),
    "sigma_50_100": (0.993, 1.001),
    "sigma_95_100": (1.109, 1.121),
    "r_6": (0.02582, 0.025822),
    "r_100": (0.21533, 0.21534),
}


# (n): the best rate of each batch, where a neighbour of the grid counts as the same.
BATCHES = (16, 64, 256, 1024)
BEST = {"sgd": (0.003162, 0.01, 0.03162, 0.1), "adam": (0.001, 0.001, 0.003162, 0.01)}
# Written down before the runs were looked at: steps to the target by batch, how many times the
# examples 1,024 take against 16, the batch at which both costs are twice the least (McCandlish et
# al. 2018), and the noise scale in examples.
STEPS = ((150, 3000), (80, 1500), (40, 500), (20, 106))
NOISE = {
    "more": (1.3, 40),
    "critical": (30, 5000),
    "noise_start": (3, 500),
    "noise_target": (30, 5000),
    "noise_end": (100, 30000),
}


# ---- numbers -------------------------------------------------------------------------------------


def test_numbers_are_the_references(made_lecture):
    _, numbers, _ = made_lecture
    runs = {run["key"]: run for run in numbers["runs"]}
    for key, expected in TABLE.items():
        assert runs[key]["in_lecture"]
        for column, want in expected.items():
            value = runs[key]["measured"][column]
            if want is None:
                assert value is None, (key, column)
            else:
                assert want[0] <= value <= want[1], (key, column, value)
    assert {key for key, run in runs.items() if run["in_lecture"]} == set(TABLE)
    crescent = numbers["figures"]["d"]["numbers"]
    for key, (least, greatest) in CRESCENT.items():
        assert least <= crescent[key]["value"] <= greatest, key
    assert numbers["agreement"]["checked"] == numbers["agreement"]["agree"] == CHECKED


def test_a_small_alpha_brakes_at_once(made_lecture):
    """Figure (k) against the reference, and against what the formula allows: |g|/sigma is at most
    1/sqrt(1 - alpha) of each coordinate."""
    _, numbers, _ = made_lecture
    brakes = {key: fact["value"] for key, fact in numbers["figures"]["k"]["numbers"].items()}
    assert set(brakes) == set(ALPHA)
    for key, (least, greatest) in ALPHA.items():
        assert least <= brakes[key] <= greatest, (key, brakes[key])
    for alpha in (0.1, 0.9, 0.999):
        assert brakes[f"longest_{alpha}"] <= (2 / (1 - alpha)) ** 0.5
    assert brakes["distance_0.1"] > 2.5 * brakes["distance_0.9"], "it is not stuck"


def test_the_bounce_neither_dies_nor_explodes(made_lecture):
    """Figure (o) against what can be worked out: x = -(x - 5 x/sqrt(1 + x^2)) where it bounces."""
    _, numbers, _ = made_lecture
    bounce = {key: fact["value"] for key, fact in numbers["figures"]["o"]["numbers"].items()}
    height = 5 / 2  # sqrt(1 + x^2)
    across = (height**2 - 1) ** 0.5
    assert bounce["across_199"] == pytest.approx(across, rel=1e-9)
    assert bounce["loss_60"] == pytest.approx(height - 1, rel=1e-9), "along the floor it arrived"
    assert bounce["loss_199"] == pytest.approx(height - 1, rel=1e-9), "it stays"
    assert bounce["grad_norm_199"] == pytest.approx(across / height, rel=1e-9)
    assert bounce["grad_norm_199"] > 0.9 * bounce["grad_norm_0"], "not a critical point"
    assert bounce["eta_s_199"] == pytest.approx(5 / height**3, rel=1e-9)
    assert bounce["loss_204"] < 1e-6, "a lower rate did not free it"
    assert bounce["growth"] == pytest.approx(4, rel=1e-12), "on a parabola it explodes"


def test_only_all_three_together_arrive_and_stay(made_lecture):
    """Figure (p): its numbers, and that its six ways end where the runs do."""
    folder, numbers, _ = made_lecture
    way = {key: fact["value"] for key, fact in numbers["figures"]["p"]["numbers"].items()}
    assert set(way) == set(WAY)
    for key, (least, greatest) in WAY.items():
        assert least <= way[key] <= greatest, (key, way[key])
    *planes, distance = panels_of((folder / "way.svg").read_text())
    assert len(planes) == 6
    for left, right in zip(planes[::2], planes[1::2], strict=True):
        assert left.area[1] == right.area[1] and left.area[0] + left.area[2] < right.area[0]
    ends = {run["key"]: run["measured"] for run in numbers["runs"]}
    for k, (key, plane) in enumerate(zip(lecture_reference.WAY.values(), planes, strict=True)):
        b, w = plane.paths(k)[-1][-1]
        assert b == pytest.approx(ends[key]["end_b"], abs=2.5), key  # Adagrad's bursts
        assert w == pytest.approx(ends[key]["end_w"], abs=0.1) or key == "adagrad_mean"
    assert len(distance.lines) == 6


@pytest.mark.skipif(not IMAGES.exists(), reason="Fashion-MNIST is not installed")
def test_warm_up_keeps_the_first_steps_below_the_limit(made_lecture):
    """Figure (l). Eta S of the first step over its limit: a hundredth of the rate is a hundredth of
    it, and RMSProp begun at |g_0| has Adam's sigma there. The losses at the end are medians of nine
    seeds, since one run's is chance; a third of the rate needs no warm-up."""
    _, numbers, _ = made_lecture
    young = {key: fact["value"] for key, fact in numbers["figures"]["l"]["numbers"].items()}
    for key, (least, greatest) in SIGMA.items():
        assert least <= young[key] <= greatest, (key, young[key])
    assert young["share_adam"] > 3, "it was not above the limit"
    assert young["share_warmup"] == pytest.approx(young["share_adam"] / 100, rel=1e-2)
    assert young["share_gradient"] == pytest.approx(young["share_adam"], rel=1e-2)
    assert young["loss_warmup"] < young["loss_adam"] / 1.5
    assert young["loss_radam"] < young["loss_adam"] / 5
    assert young["loss_slow"] < young["loss_adam"] / 3
    assert young["loss_gradient"] > young["loss_adam"], "it cures after all"


def test_the_best_rate_grows_with_the_batch(made_lecture):
    """Figure (n): its numbers and cells; those of runs that diverged are struck out."""
    folder, numbers, _ = made_lecture
    batch = {key: fact["value"] for key, fact in numbers["figures"]["n"]["numbers"].items()}
    assert 0.7 <= batch["power_sgd"] <= 1.2
    assert 0.3 <= batch["power_adam"] <= 0.7
    assert batch["power_adam"] < batch["power_sgd"]
    assert 9 <= batch["diverged_sgd"] <= 18 and batch["diverged_adam"] == 0
    maps = panels_of((folder / "batch.svg").read_text())[:2]
    for panel, rule in zip(maps, BEST, strict=True):
        best = [batch[f"best_{rule}_{size}"] for size in BATCHES]
        assert best == sorted(best)
        for found, want in zip(best, BEST[rule], strict=True):
            assert want / 3.2 <= found <= want * 3.2, (rule, best)
        for series, power in ((0, 1), (1, 0.5)):
            (from_lr, from_batch), (to_lr, to_batch) = panel.paths(series)[0]
            slope = math.log(to_lr / from_lr) / math.log(to_batch / from_batch)
            assert slope == pytest.approx(power, abs=0.02)
    picture = (folder / "batch.svg").read_text()
    struck = picture.count('class="struck"')
    assert picture.count('class="cell"') + struck == 2 * 36 and 5 <= struck <= 9


@pytest.mark.parametrize("rule", list(BEST))
def test_the_noise_says_from_which_batch_on_examples_are_wasted(made_lecture, rule):
    """Figure (n): larger batches take fewer steps and more examples. The batch at which both are
    twice the least is the noise scale by its order of magnitude, which is what the paper claims."""
    folder, numbers, _ = made_lecture
    told = {key: fact["value"] for key, fact in numbers["figures"]["n"]["numbers"].items()}
    steps = [told[f"steps_{rule}_{size}"] for size in BATCHES]
    for value, (least, greatest) in zip(steps, STEPS, strict=True):
        assert least <= value <= greatest, steps
    for key, (least, greatest) in NOISE.items():
        assert least <= told[f"{key}_{rule}"] <= greatest, (key, told[f"{key}_{rule}"])
    assert steps == sorted(steps, reverse=True)
    examples = [count * size for count, size in zip(steps, BATCHES, strict=True)]
    assert told[f"more_{rule}"] == pytest.approx(examples[-1] / examples[0], rel=1e-6)
    assert told[f"noise_target_{rule}"] > 2 * told[f"noise_start_{rule}"], "it grows"
    assert 0.1 <= told[f"noise_target_{rule}"] / told[f"critical_{rule}"] <= 10
    *_, by_steps, by_examples = panels_of((folder / "batch.svg").read_text())
    for panel, want in ((by_steps, steps), (by_examples, examples)):
        drawn = panel.points(list(BEST).index(rule))
        assert [x for x, _ in drawn] == pytest.approx(list(BATCHES), rel=0.02)
        assert [y for _, y in drawn] == pytest.approx(want, rel=0.02)


NETWORKS = {  # (m): the mean over the seeds
    "without_resnet_0.3": (0.33, 0.45),
    "with_resnet_0.3": (0.33, 0.45),
    "without_resnet_1": (0.4, 0.7),
    "with_resnet_1": (0.36, 0.55),
    "without_resnet_3": (0.8, 2.4),
    "with_resnet_3": (0.45, 1.8),  # by chance, and the last bits of a product: 0.52 to 1.76
    "without_post": (2.4, 3.2),
    "with_post": (2.3, 2.7),
    "without_pre": (2.4, 2.75),
    "with_pre": (2.3, 2.65),
}


def test_what_a_warm_up_does_for_networks(made_lecture):
    """Figure (m)."""
    _, numbers, _ = made_lecture
    told = {key: fact["value"] for key, fact in numbers["figures"]["m"]["numbers"].items()}
    assert set(NETWORKS) == {key for key in told if not key.startswith("lower_")}
    for key, (least, greatest) in NETWORKS.items():
        assert least <= told[key] <= greatest, (key, told[key])
    for rate in (1, 3):
        assert told[f"with_resnet_{rate}"] < told[f"without_resnet_{rate}"]
        assert told[f"lower_resnet_{rate}"] == 3, "each seed is better with it"
    assert told["with_resnet_3"] > told["without_resnet_0.3"], "a warm-up allows any rate"
    assert told["with_post"] < told["without_post"]
    assert told["lower_post"] == told["lower_pre"] == 3, "each seed is better with it"
    assert told["without_post"] - told["with_post"] > told["without_pre"] - told["with_pre"]


def test_each_panel_of_networks_says_what_its_axis_counts(made_lecture):
    """Figure (m)."""
    picture = (made_lecture[0] / "networks.svg").read_text()
    assert picture.count(">steps of warm-up<") == 5
    for name in ("lr = 0.3", "lr = 1", "lr = 3", "post-norm", "pre-norm"):
        assert picture.count(f">{name}<") == 1, name


def test_two_arrows_show_what_a_rate_for_each_parameter_does(made_lecture):
    """Figure (c): both go as far in w; Adagrad's as far in b, that of gradient descent by the share
    of the slopes, as exact arithmetic has them at the start."""
    folder, numbers, _ = made_lecture
    told = {key: fact["value"] for key, fact in numbers["figures"]["c"]["numbers"].items()}
    slope_b, slope_w = (20 * 68.4332 + 5020 * -6.66945), (5020 * 68.4332 + 1746816 * -6.66945)
    assert told["along_gd"] == pytest.approx(slope_b / slope_w, rel=1e-3)
    assert told["along_adagrad"] == pytest.approx(1, rel=1e-9)
    picture = (folder / "adagrad_sigma.svg").read_text()
    plane = panels_of(picture)[0]
    (start, descended), (also, adapted) = plane.paths(2)[0], plane.paths(0)[0]
    assert start == also == pytest.approx((-120, -4), abs=0.01)
    assert descended == pytest.approx((-120, -3), abs=0.01)
    assert adapted == pytest.approx((-119, -3), abs=0.01)
    assert picture.count('class="away') == 2, "an arrow has a head"


def test_saved_numbers_say_when_and_where(made_lecture):
    """Beside (m) and (n): the command, the day and the machine of the file that has them."""
    lines = map(json.loads, (ROOT / "app/lecture/sweeps.jsonl").open())
    origins = [line for line in lines if line["type"] == "made"]
    assert len(origins) == 5
    page = html.unescape(re.sub("</?span.*?>", "", (made_lecture[0] / "index.html").read_text()))
    for origin in origins:
        for key in ("command", "day", "machine"):
            assert origin[key] in page, origin


def rounded(value, text):
    """The value with as many digits as the text has."""
    digits = re.sub(r"^-?0*\.?0*|e.*$", "", text.replace(",", "")).replace(".", "")
    return float(f"{value:.{len(digits) or 1}g}")


def assert_reference(value, want, what):
    """The number beside a measured one is the reference's, and within the range that counts."""
    if want["text"] == "never":
        assert value is None and want["least"] is want["greatest"] is None, what
        return
    text = re.sub(r".*= ", "", want["text"])  # 1/19 = 0.0526
    assert want["least"] <= value <= want["greatest"], (what, value)
    small = max(abs(want["least"]), abs(want["greatest"])) < 1e-5  # arrived, but for rounding
    assert rounded(value, text) == float(text.replace(",", "")) or (small and text == "0"), what


def test_the_expected_numbers_are_the_references(made_lecture):
    """The computation in plain Python that shares no code with Ravine."""
    _, numbers, _ = made_lecture
    rows, compared = lecture_reference.table(), 0
    for run in numbers["runs"]:
        for column, want in run["expected"].items():
            assert_reference(rows[run["key"]][column], want, (run["key"], column))
            compared += 1
    for letter, values in lecture_reference.figures().items():
        facts = numbers["figures"][letter]["numbers"]
        for key, value in values.items():
            assert_reference(value, facts[key]["expected"], (letter, key))
            compared += 1
    assert numbers["agreement"]["checked"] == compared


def test_agreement_is_not_just_claimed(made_lecture):
    """Each `agrees` follows from the value and the range beside it."""
    _, numbers, _ = made_lecture
    for run in numbers["runs"]:
        for column, want in run["expected"].items():
            value = run["measured"][column]
            if want["least"] is None and want["greatest"] is None:
                inside = value is None  # never
            else:
                inside = value is not None and want["least"] <= value <= want["greatest"]
            assert inside == want["agrees"], (run["key"], column)


def test_json_file_and_stdout_are_one(made_lecture):
    folder, numbers, _ = made_lecture
    assert json.loads((folder / "lecture.json").read_text()) == numbers
    assert_conforms(numbers, "lecture")


@pytest.mark.skipif(not IMAGES.exists(), reason="Fashion-MNIST is not installed")
def test_the_network_is_stuck_with_a_large_gradient(made_lecture):
    _, numbers, _ = made_lecture
    stall = {key: fact["value"] for key, fact in numbers["figures"]["a"]["numbers"].items()}
    assert stall["loss_late"] > 0.6 * stall["loss_early"], "it was not stuck"
    assert stall["grad_norm_late"] > 0.6 * stall["grad_norm_early"], "its gradient became small"
    assert stall["loss_cured"] < 0.75 * stall["loss_late"], "it was a critical point after all"
    assert stall["grad_norm_cured"] < 0.2 * stall["grad_norm_late"]


def test_under_a_minute(made_lecture):
    assert made_lecture[2] < 60


def test_every_figure_is_a_whole_svg(made_lecture):
    folder, numbers, _ = made_lecture
    assert list(numbers["figures"]) == list(FIGURES)
    for figure in numbers["figures"].values():
        root = ElementTree.parse(folder / figure["file"]).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find("{http://www.w3.org/2000/svg}title").text == figure["title"]
        text = (folder / figure["file"]).read_text()
        assert "nan" not in text.lower().replace("finance", "") and "inf " not in text
        assert "prefers-color-scheme: dark" in text and "<script" not in text


def raced(command):
    """Schedule, optimizers, and what `ravine race` comes to of a command beside a figure."""
    name, *words = shlex.split(command)
    assert name == "ravine"
    done = subprocess.run([RAVINE, *words, "--json"], capture_output=True, timeout=60, check=True)
    values = dict(zip(words, words[1:], strict=False))
    optimizers = [b for a, b in zip(words, words[1:], strict=False) if a == "--optimizer"]
    return values.get("--schedule"), optimizers, json.loads(done.stdout)["runs"]


def test_each_figure_says_how_to_make_it_again(made_lecture):
    """Its commands are those of the runs in its table, to the last bit."""
    folder, numbers, _ = made_lecture
    sections = re.findall(
        r'<section id="([a-z])">(.*?)</section>', (folder / "index.html").read_text(), re.S
    )
    assert [letter for letter, _ in sections] == list(numbers["figures"])
    runs = {run["key"]: run for run in numbers["runs"]}
    for letter, section in sections:
        settings = re.search(r'<div class="settings">(.*?)</div>', section, re.S)[1]
        assert settings.strip(), letter
        again = {}
        plain = html.unescape(re.sub("<span class=.option.>(--.*?)</span>", r"\1", settings))
        for command in re.findall("<code>(ravine .*?)</code>", plain):
            if command.startswith("ravine sweep "):
                assert (ROOT / shlex.split(command)[2]).exists(), command
                continue  # minutes; its numbers are saved
            schedule, optimizers, found = raced(command)
            for optimizer, run in zip(optimizers, found, strict=True):
                again[optimizer, schedule] = run
        for key in numbers["figures"][letter]["runs"]:
            run, measured = runs[key], runs[key]["measured"]
            found = again[run["optimizer"], run["schedule"]]
            assert found["nonfinite_step"] == measured["nonfinite_step"], (letter, key)
            if measured["distance"] is not None and found["steps"] == run["steps"]:
                assert found["distance"] == measured["distance"], (letter, key)


# ---- the picture of gradient descent -------------------------------------------------------------

CROSSED = crossings_of_descent(Fraction(1, 100), 5)  # -119.98, -123.80, -127.40, -130.80, -134.01


def assert_crossed(found):
    assert found[:4] == pytest.approx(CROSSED[:4], abs=0.03)  # the paper has tenths of its unit
    assert found[4:] == pytest.approx(CROSSED[4:], abs=1)  # float64 has no more at 1e19


def test_the_five_lines_are_drawn_where_they_are(made_lecture):
    """Figure (b) read back from its drawing, against exact arithmetic."""
    plane = panels_of((made_lecture[0] / "gradient_descent.svg").read_text())[0]
    lines = plane.paths(0)
    assert len(lines) == 5
    assert_crossed(crossings(lines))
    for k, line in enumerate(lines):
        (_, first), (_, last) = line[0], line[-1]
        assert abs(last) >= 5 and (k == 0 or abs(first) >= 5), "it ends inside the picture"
        assert (last > first) == (k % 2 == 0), "it goes the wrong way"
        slope = (line[-1][0] - line[0][0]) / (last - first)
        assert slope == pytest.approx(5020 / 1746816, abs=0.01 if k < 4 else 0.1)


def test_the_five_lines_are_played_where_they_are(made_lecture):
    page = (made_lecture[0] / "index.html").read_text()
    motion = trails_of(page, "gradient_descent")
    x, y = panels_of((made_lecture[0] / "gradient_descent.svg").read_text())[0].axes()
    (trail,) = (trail for trail in motion["trails"] if trail["color"] == 0)
    pieces = trail["pieces"]
    assert [{step for step, *_ in piece} for piece in pieces] == [{0, 1}, {2}, {3}, {4}, {5}]
    assert_crossed(crossings([[(x(a), y(b)) for _, a, b in piece] for piece in pieces]))
    assert set(trail["dot"][2:]) == {None}, "after its first step it is out of sight"


@pytest.mark.parametrize("name", PLAYED)
def test_a_file_by_itself_moves_as_the_page_does(made_lecture, name):
    """Dots walk the trails, and a line goes through every curve over the steps."""
    motion = trails_of((made_lecture[0] / "index.html").read_text(), name)
    text = (made_lecture[0] / f"{name}.svg").read_text()
    svg = "{http://www.w3.org/2000/svg}"
    moving = [
        g for g in ElementTree.fromstring(text).iter(f"{svg}g") if "moving" in g.get("class", "")
    ]

    def values(element):
        assert element.get("dur") == f"{motion['seconds']:.2f}s"
        return [float(value) for value in element.get("values").split(";")]

    circles = [circle for g in moving for circle in g.iter(f"{svg}circle")]
    dots = [[values(a) for a in circle] for circle in circles]
    for trail, (x, y) in zip(motion["trails"], dots, strict=True):
        seen = list(zip(trail["dot"][::2], trail["dot"][1::2], strict=True))
        for at, told in zip(zip(x, y, strict=True), seen, strict=True):
            assert at == told or told == (None, None)
    cursors = [values(a) for g in moving for a in g.iter(f"{svg}animateTransform")]
    tags = re.findall(r'<g class="panel"([^>]*)>', text)
    first = [re.search(r'data-steps="(\d)"', tag) for tag in tags]
    curves = [(p, int(f[1])) for p, f in zip(panels_of(text), first, strict=True) if f]
    for places, (panel, first) in zip(cursors, curves, strict=True):
        x, _ = panel.axes()
        for place, step in zip(places, motion["step"], strict=True):
            # a tenth of the paper's unit, of the place and of both ticks, which may lie inside
            assert place == pytest.approx(x.place(step + first), abs=0.15)


@pytest.mark.parametrize(
    "picture",
    [path for path in sorted(PICTURES.glob("*.svg")) if not path.stem.startswith("race_")],
    ids=lambda path: path.stem,
)
def test_the_pictures_of_the_documents_are_fresh(made_lecture, picture):
    """`make pictures` makes them."""
    assert picture.read_text() == (made_lecture[0] / picture.name).read_text()


def test_an_end_out_of_sight_is_marked(made_lecture):
    """GD 1e-2 to 1e-5 leave for good, the others do not."""
    text = (made_lecture[0] / "gradient_descent.svg").read_text()
    plane, loss = re.split('class="panel"', text)[1:]
    assert re.findall(r'class="away s(\d)', plane) == ["0"]
    assert re.findall(r'class="away s(\d)', loss) == ["0", "1", "2", "3"]


# ---- the command ---------------------------------------------------------------------------------


def lecture(folder, code=0, **env):
    """What it prints."""
    done = subprocess.run(
        [RAVINE, "lecture", "-o", folder],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.skipif(not IMAGES.exists(), reason="Fashion-MNIST is not installed")
def test_the_line_says_what_was_compared_with_what(tmp_path):
    text = lecture(tmp_path / "made")
    assert text == (
        f"{tmp_path}/made/index.html: {len(FIGURES)} of {len(FIGURES)} figures; "
        f"{CHECKED} of {CHECKED} numbers agree with the reference computation\n"
    )


def test_the_line_says_which_figures_are_missing(tmp_path):
    """And the page; what was compared is the same but for theirs, and agrees."""
    text = lecture(tmp_path / "made", RAVINE_DATA_TRAIN_IMAGES="/nowhere/\033[31mimages.gz")
    needs = r"needs Fashion-MNIST: cannot open /nowhere/\x1B[31mimages.gz: "
    figures = f"{len(FIGURES) - 2} of {len(FIGURES)} figures"
    assert text.startswith(f"{tmp_path}/made/index.html: {figures}, (a) {needs}"), text
    assert f", (l) {needs}" in text
    agree = f"{CHECKED - YOUNG} of {CHECKED - YOUNG} numbers agree"
    assert text.endswith(f"; {agree} with the reference computation\n"), text
    assert text.count("\n") == 1
    page = (tmp_path / "made" / "index.html").read_text()
    assert figures in page and agree in page


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run(
        [RAVINE, "lecture", "-o", tmp_path / "file" / "below"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert b"file" in done.stderr and done.stdout == b""
