# SPDX-License-Identifier: Apache-2.0
"""A diagnosis in Python: for programs as the command has it, for notebooks."""

import dataclasses
import json
import math

import numpy as np
import pytest
import ravine
from command_line import ravine as run
from schema import assert_conforms

LIGHT, DARK = ("#ffffff", "#000000"), ("#111111", "#dddddd")


def bouncing():
    """What is said of a ravine that is jumped over from wall to wall."""
    x = np.array([1.0, 1.0])
    h = np.array([100.0, 1.0])
    optimizer = ravine.Optimizer("sgd lr=0.02", {"x": x}, statistics=True)
    doctor = ravine.Doctor(optimizer)
    doctor.fact("total_steps", 1000)
    for _ in range(300):
        loss = float(0.5 * (h * x * x).sum())
        optimizer.step({"x": h * x}, stats=True)
        doctor.observe(loss)
    return doctor.diagnose()


def with_trial(found):
    """The same, as if its cures had been tried: the first helped, the second was not tried."""
    cures = [dataclasses.replace(found.cures[0], tried=1, loss_ratio=0.25), *found.cures[1:]]
    losses = [0.5] + [math.nan] * (len(cures) - 1)
    return dataclasses.replace(
        found, cures=cures, tried_steps=40, unchanged_loss=2.0, cure_losses=losses
    )


def test_it_has_everything():
    found = bouncing()
    assert (found.verdict, found.severity, found.step) == ("bouncing", "warning", 300)
    assert found.facts == {"total_steps": 1000}
    assert len(found.evidence) == len(found.reasons) > 3
    assert found.sentence in str(found) and found.sentence_zh and found.what_not
    assert found.tried_steps == 0 and math.isnan(found.unchanged_loss)
    assert len(found.cure_losses) == len(found.cures) > 1


def test_json_is_that_of_the_command():
    found = with_trial(bouncing())
    said = json.loads(found.to_json())
    assert_conforms(said, "doctor")
    surface = ["--surface", "ravine steep=1 flat=0.01", "--optimizer", "sgd lr=5", "--steps", 1000]
    theirs = json.loads(run("doctor", *surface, "--try", "--json").stdout)
    assert list(said) == list(theirs)
    ours, first = said["cures"][0], theirs["cures"][0]
    assert list(ours) == list(first) and ours["kind"] == first["kind"] == "lower_lr"
    assert list(ours["settings"]) == list(first["settings"]) == ["optimizer"]
    assert ours["tried"] is True and ours["loss_ratio"] == 0.25
    assert said["cures"][1]["loss_ratio"] is None
    assert "\\u" not in found.to_json() and "\n" in found.to_json(indent=2)


def test_numbers_that_are_not_finite_are_null():
    found = dataclasses.replace(bouncing(), evidence={"a": math.inf, "b": math.nan, "c": 1.0})
    said = json.loads(found.to_json(), parse_constant=pytest.fail)
    assert said["evidence"] == {"a": None, "b": None, "c": 1.0}
    assert_conforms(said, "doctor")


# ---- in a notebook


def test_html_says_what_the_text_says():
    found = with_trial(bouncing())
    html = found._repr_html_()
    for line in [found.sentence, found.what_not, *found.reasons]:
        assert line.replace("'", "&#x27;") in html
    assert ">BOUNCING</b>" in html and "http" not in html and "<script" not in html
    assert "loss after 40 steps" in html and "<td>0.5" in html and "<td>2<" in html
    assert "loss after" not in bouncing()._repr_html_()


def test_html_shows_names_as_they_are():
    found = dataclasses.replace(
        bouncing(), sentence="<img src=x>", text="NAME (a)\n why     <b> & c"
    )
    html = found._repr_html_()
    assert "<img" not in html and "&lt;img src=x&gt;" in html and "&lt;b&gt; &amp; c" in html


@pytest.mark.parametrize(
    "language, chosen", [("zh_CN.UTF-8", "zh"), ("de_DE.UTF-8", "en"), ("", "en")]
)
def test_html_is_in_the_language_of_the_process(monkeypatch, language, chosen):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", language)
    found = bouncing()
    html = found._repr_html_()
    assert f'<p lang="{chosen}">' in html
    assert (found.sentence_zh in html) == (chosen == "zh")


CONTRAST = """
const channels = text => text.match(/[\\d.]+/g).map(Number);
const light = rgb => {
  const [r, g, b] = rgb.map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const paper = channels(getComputedStyle(document.body).backgroundColor);
return [...document.querySelectorAll('section :is(b, small, p, dt, dd, td, th)')].map(e => {
  const style = getComputedStyle(e), own = channels(style.backgroundColor);
  const behind = (own[3] === 0 ? paper : own).slice(0, 3);
  const ink = channels(style.color).slice(0, 3);
  const seen = light(ink.map((c, k) => behind[k] + style.opacity * (c - behind[k])));
  const back = light(behind);
  return [e.tagName, (Math.max(seen, back) + 0.05) / (Math.min(seen, back) + 0.05)];
});
"""


@pytest.mark.parametrize("paper, ink", [LIGHT, DARK])
@pytest.mark.parametrize("severity", ["fine", "warning", "urgent"])
def test_html_is_readable_on_a_phone_on_either_paper(browser, tmp_path, paper, ink, severity):
    html = dataclasses.replace(with_trial(bouncing()), severity=severity)._repr_html_()
    page = tmp_path / "page.html"
    page.write_text(f'<body style="background:{paper};color:{ink}">{html}', encoding="utf-8")
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
    found = browser.execute_script(CONTRAST)
    assert len(found) > 20
    assert all(ratio >= 4.5 for _, ratio in found), [f for f in found if f[1] < 4.5]
