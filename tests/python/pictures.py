# SPDX-License-Identifier: Apache-2.0
"""Reads a chart back: from its SVG where its lines lie, in the numbers of its axes; from a browser
whether its texts can be read."""

import json
import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

from lecture_reference import crossing

PLAYED = [  # figures of the lecture
    "gradient_descent",
    "crescent",
    "adagrad_explodes",
    "decay",
    "rules",
    "alpha",
    "bounce",
    "way",
]
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def number_of(label):
    """10⁻⁷, 20,000, -4"""
    power = re.fullmatch("10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", label)
    return 10.0 ** int(power[1].translate(RAISED)) if power else float(label.replace(",", ""))


class Axis:
    """From places on the paper to numbers, by two of its ticks."""

    def __init__(self, ticks):
        (self.at, self.value), (other, value) = ticks[0], ticks[-1]
        ratios = {round(math.log10(b / a), 6) for (_, a), (_, b) in pairwise(ticks) if a > 0 < b}
        self.log = len(ticks) > 2 and len(ratios) == 1 and all(v > 0 for _, v in ticks)
        if self.log:
            self.value, value = math.log10(self.value), math.log10(value)
        self.per_unit = (value - self.value) / (other - self.at)

    def __call__(self, place):
        value = self.value + (place - self.at) * self.per_unit
        return 10**value if self.log else value

    def place(self, value):
        value = math.log10(value) if self.log else value
        return self.at + (value - self.value) / self.per_unit


def pieces_of(d):
    """The pieces of a path of M, L and h0, each a list of points on the paper."""
    pieces = []
    for command, x, y in re.findall(r"([ML])(-?[\d.]+) (-?[\d.]+)", d):
        if command == "M":
            pieces.append([])
        pieces[-1].append((float(x), float(y)))
    return pieces


class Panel:
    def __init__(self, area):
        self.area = [float(area.get(k)) for k in ("x", "y", "width", "height")]
        self.ticks = {"x": [], "y": []}
        self.lines, self.dots = [], []  # elements

    def axes(self):
        return Axis(self.ticks["x"]), Axis(self.ticks["y"])

    def points(self, series):
        """The dots of a series, in the numbers of the axes."""
        return [point for piece in self.paths(series, self.dots) for point in piece]

    def paths(self, series, elements=None):
        """The pieces of a series, in the numbers of the axes."""
        x, y = self.axes()
        found = [e for e in elements or self.lines if f"s{series}" in e.get("class").split()]
        assert len(found) == 1, f"{len(found)} lines of series {series}"
        return [[(x(a), y(b)) for a, b in piece] for piece in pieces_of(found[0].get("d"))]


def trails_of(page, figure):
    """What a figure of a page plays: each trail with its pieces, of (step, x, y) on the paper."""
    text = re.search(rf'class="motion" data-figure="{figure}">(.*?)</script>', page, re.S)[1]
    motion = json.loads(text)
    for trail in motion["trails"]:
        flat, trail["pieces"] = trail["trail"], []
        for step, x, y, line in zip(*(flat[k::4] for k in range(4)), strict=True):
            if not line:
                trail["pieces"].append([])
            trail["pieces"][-1].append((step, x, y))
    return motion


def panels_of(text):
    """The panels of a figure."""
    panels, tick = [], None
    for e in ElementTree.fromstring(text).iter():
        tag, classes = e.tag.rpartition("}")[2], e.get("class", "").split()
        if tag == "clipPath":
            panels.append(Panel(e[0]))
        elif "grid" in classes:
            x, y, kind = re.match(r"M([\d.]+) ([\d.]+)([Vh])", e.get("d")).groups()
            tick = ("x", float(x)) if kind == "V" else ("y", float(y))
        elif "tick" in classes:
            panels[-1].ticks[tick[0]].append((tick[1], number_of(e.text)))
        elif "line" in classes and "swatch" not in classes:
            panels[-1].lines.append(e)
        elif "dots" in classes and "swatch" not in classes:
            panels[-1].dots.append(e)
    return panels


def crossings(pieces):
    """b where each line of the pieces crosses the floor of the lecture's valley."""
    found = [crossing(a, b) for piece in pieces for a, b in pairwise(piece)]
    return [b for b in found if b is not None]


# ---- in a browser --------------------------------------------------------------------------------

CHART_TEXTS = """
const box = (e) => {
  const { left, top, right, bottom } = e.getBoundingClientRect();
  return [left, top, right, bottom];
};
const seen = (text) => text.getClientRects().length > 0;
const describe = (text) => ({
  words: text.textContent,
  fixed: /tick|name|label/.test(text.getAttribute("class")),
  box: box(text),
  size: parseFloat(getComputedStyle(text).fontSize),
});
return [...document.querySelectorAll(".chart")].map((chart) => ({
  id: chart.id,
  box: box(chart),
  panels: [...chart.querySelectorAll(".panel")].map((panel) =>
    [...panel.querySelectorAll("text")].filter(seen).map(describe)),
}));
"""


def assert_texts_can_be_read(browser):
    """Of 12 pixels at least, inside of the chart, and not one upon the other."""
    for chart in browser.execute_script(CHART_TEXTS):
        left, top, right, bottom = chart["box"]
        for texts in chart["panels"]:
            for text in texts:
                what = chart["id"], text["words"]
                size = text["size"] * (right - left) / 560
                assert size >= 12, (*what, f"{size:.1f} pixels")
                assert left - 1 <= text["box"][0] and text["box"][2] <= right + 1, what
                assert top - 1 <= text["box"][1] and text["box"][3] <= bottom + 1, what
            fixed = [text for text in texts if text["fixed"]]
            for a, b in combinations(fixed, 2):
                across = min(a["box"][2], b["box"][2]) - max(a["box"][0], b["box"][0])
                down = min(a["box"][3], b["box"][3]) - max(a["box"][1], b["box"][1])
                assert across <= 0 or down <= 4, (chart["id"], a["words"], b["words"])


def assert_tables_fit(browser, width):
    edges = browser.execute_script(
        "return [...document.querySelectorAll('th, td')].filter((c) => c.getClientRects().length)"
        ".map((c) => [c.textContent, c.getBoundingClientRect()])"
    )
    assert edges
    for words, box in edges:
        assert box["left"] >= 0 and box["right"] <= width, words
