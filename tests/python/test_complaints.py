# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/stuck/: each mistake is made, and its page has what the doctor says."""

import functools
import re
import sys

import pytest

torch = pytest.importorskip("torch")
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/doctor"))
from complaints.complaints import COMPLAINTS, PAGES
from complaints.parts import IGNORED

STUCK = ROOT / "docs/stuck"
BY_NAME = {complaint.name: complaint for complaint in COMPLAINTS}

pytestmark = pytest.mark.usefixtures("one_thread")


@functools.cache
def answer(name, mended=False):
    return BY_NAME[name].diagnosis(mended)


def names():
    """Of all; where the doctor does not see the mistake yet, the test must fail."""
    for c in COMPLAINTS:
        unseen = pytest.mark.xfail(strict=True, reason=f"it says {c.says}") if c.says else ()
        yield pytest.param(c.name, marks=unseen)


@pytest.mark.parametrize("name", list(names()))
def test_the_doctor_names_the_mistake(name):
    assert answer(name)[0].verdict in BY_NAME[name].right


@pytest.mark.parametrize("name", [c.name for c in COMPLAINTS if c.says])
def test_what_it_says_where_it_does_not(name):
    assert answer(name)[0].verdict == BY_NAME[name].says


@pytest.mark.parametrize("name", list(BY_NAME))
def test_without_the_mistake_there_is_nothing_to_say(name):
    assert answer(name, mended=True)[0].verdict in BY_NAME[name].fine


def plain(text):
    """Without line breaks, and without numbers, which other processors may round otherwise."""
    return re.sub(r"\d[\d.e+-]*", "N", " ".join(text.split()))


@pytest.mark.parametrize("name", list(BY_NAME))
def test_the_page_has_what_the_doctor_says(name):
    page = (STUCK / f"{BY_NAME[name].page}.md").read_text()
    assert plain(answer(name)[0].sentence) in plain(page)
    assert f"make complaints NAMES={BY_NAME[name].page}\n" in page


def test_the_first_page_has_a_whole_answer():
    assert plain(answer("schedule")[0].text) in plain((ROOT / "docs/stuck.md").read_text())


def test_every_complaint_has_a_page_and_every_page_a_complaint():
    assert sorted(page.stem for page in STUCK.glob("*.md")) == sorted(PAGES)
    listed = re.findall(r"\(stuck/(\w+)\.md\)", (ROOT / "docs/stuck.md").read_text())
    assert sorted(set(listed)) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_screen_and_has_every_part(page):
    text = (STUCK / f"{page}.md").read_text()
    assert len(text.splitlines()) <= 65
    parts = [
        "Numbers",
        "The doctor",
        "Why",
        "What to do",
        "Often confused with",
        "People who had it",
    ]
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == parts


# ---- numbers that the pages name


def test_accumulation_makes_another_gradient():
    assert answer("accumulate")[1] > 0.5
    assert answer("accumulate", mended=True)[1] < 1e-5


def test_the_gradient_rises_where_weights_shrink():
    assert answer("rising_gradient")[1] > 2
    assert answer("rising_gradient", mended=True)[1] < 1.1


def test_rewards_of_a_policy_that_says_one_thing():
    assert answer("reward_collapse")[1] < 0.5
    assert answer("reward_collapse", mended=True)[1] > 0.95


def test_the_loss_leaps_where_state_and_schedule_begin_anew():
    assert answer("resume")[1] > 1.3
    assert answer("resume", mended=True)[1] < 1.1


def test_a_scaler_that_skips_every_step_is_told_of():
    with pytest.warns(RuntimeWarning, match="256 losses and no step since"):
        missing = BY_NAME["loss_scale"].diagnosis()[0].cannot_tell
    assert any("300 losses and no step since: step()" in line for line in missing)


def test_a_mean_over_no_label_is_not_a_number():
    nothing = torch.full((2,), IGNORED)
    assert torch.nn.functional.cross_entropy(torch.zeros(2, 3), nothing).isnan()
