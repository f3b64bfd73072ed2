# SPDX-License-Identifier: Apache-2.0
"""Several runs in one report: which did best, by how much, and what chance makes."""

import json
import math
import statistics

import pytest
from report_pages import axis_labels, box, report, texts, visit, write_log
from selenium.webdriver.common.by import By


def compared(browser, page, runs):
    """The sentences; the rows of what differs, without the outcome; the groups of seeds."""
    report(*runs, "-o", page)
    visit(browser, page)
    table = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")]
        for row in browser.find_elements(By.CSS_SELECTOR, "#differences tbody tr:not(#outcome)")
    ]
    groups = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "td")]
        for row in browser.find_elements(By.CSS_SELECTOR, "#seeds tbody tr")
    ]
    return texts(browser, "#compare .sentence"), table, groups


def student(share, freedom):
    """The t beyond which a share lies, on both sides: Simpson's rule on the density, bisected."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)
    density = lambda t: scale * (1 + t * t / freedom) ** (-(freedom + 1) / 2)  # noqa: E731

    def inside(t, n=2000):
        h = t / n
        inner = sum((4 if k % 2 else 2) * density(k * h) for k in range(1, n))
        return 2 * h / 3 * (density(0) + inner + density(t))

    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < 1 - share else (low, middle)
    return low


def made_runs(folder, losses, **config):
    """A run for each seed, whose best epoch, the fourth, has the loss."""
    return [
        write_log(folder / f"{config['name']}-{seed}", 80, held_out=4 * x, seed=seed, **config)
        for seed, x in enumerate(losses, 1)
    ]


@pytest.mark.parametrize("difference", [True, False], ids=["difference", "chance"])
def test_the_winner_and_the_spread(browser, tmp_path, difference):
    losses = {
        "wide": [0.30, 0.32, 0.37],
        "deep": [0.50, 0.41, 0.44] if difference else [0.33, 0.36],
    }
    runs = [
        run for name in losses for run in made_runs(tmp_path, losses[name], name=name, model=name)
    ]
    words, table, groups = compared(browser, tmp_path / "page.html", runs)
    assert table == [
        ["seed", *(str(k + 1) for name in losses for k in range(len(losses[name])))],
        ["model", *(name for name in losses for _ in losses[name])],
    ]
    wide, deep = (statistics.mean(x) for x in losses.values())
    freedom = sum(len(x) - 1 for x in losses.values())
    spread = math.sqrt(
        sum(statistics.variance(x) * (len(x) - 1) for x in losses.values()) / freedom
    )
    chance = student(0.05, freedom) * spread * math.sqrt(sum(1 / len(x) for x in losses.values()))
    lead = deep - wide
    assert words[0] == (
        f"wide-1 and 2 other seeds have the lowest validation loss, {wide:.4g} on average: "
        f"{lead:.2g} ({100 * lead / deep:.2g} %) below deep-1 and "
        f"{'2 other seeds' if difference else '1 other seed'}."
    )
    assert words[1].startswith(
        f"Seeds alone spread by {spread:.2g} (standard deviation): the lead is "
        f"{lead / spread:.2g} times that. Chance makes one above {chance:.2g} once in twenty"
    )
    assert (lead > chance) == difference
    assert words[1].endswith("this is a difference." if difference else "this one may be chance.")
    assert [row[1:] for row in groups] == [
        [
            str(len(x)),
            f"{statistics.mean(x):.4g}",
            f"{statistics.stdev(x):.2g}",
            f"{min(x):.4g}",
            f"{max(x):.4g}",
        ]
        for x in losses.values()
    ]
    best = texts(browser, "#outcome .best")
    assert best == [f"{x:.4g}" for x in losses["wide"]]
    printed = report(*runs, cwd=tmp_path).stdout.decode()
    assert all(sentence in printed for sentence in words)


def test_one_run_each_cannot_tell_chance(browser, tmp_path):
    """The test chooses nothing: the loser's is better. Equal settings are not named."""
    good = write_log(tmp_path / "good", 80, held_out=1.2, test=0.9, optimizer="sgd", seed=1)
    poor = write_log(tmp_path / "poor", 80, held_out=1.6, test=0.1, optimizer="adam", seed=1)
    words, table, groups = compared(browser, tmp_path / "page.html", [poor, good])
    assert words[0] == "good has the lowest validation loss, 0.3: 0.1 (25 %) below poor."
    assert "cannot tell chance from difference" in words[1] and "--seeds" in words[1]
    assert table == [["optimizer", "adam", "sgd"]] and groups == []
    top, bottom = box(browser, "#compare")[1::2]
    assert top < 100 and bottom < box(browser, "#loss")[1] < box(browser, "#headline")[1]
    assert box(browser, "#loss .plot svg")[3] <= 900


def test_other_data_are_no_other_seed(browser, tmp_path):
    """A table that was edited between two runs keeps its name."""
    runs = [write_log(tmp_path / f"run{k}", 80, held_out=1 + k, seed=k) for k in range(2)]
    for k, run in enumerate(runs):
        log = (run / "run.jsonl").read_text()
        files = f'"data_files": [{{"file": "t.csv", "bytes": 9, "crc32c": "0000000{k}"}}], "config"'
        (run / "run.jsonl").write_text(log.replace('"config"', files, 1))
    words, table, groups = compared(browser, tmp_path / "page.html", runs)
    assert [row[0] for row in table] == ["seed", "data_files.crc32c"] and groups == []
    assert "cannot tell chance" in words[1] and "Settings of the data differ" in words[2]


def test_a_run_that_diverged_hides_no_other(browser, tmp_path):
    """Its losses go beyond what float32 holds, and then there are none."""
    made = write_log(tmp_path / "made", 80, batch_size=8)
    lost = write_log(tmp_path / "lost", 80, held_out=None, batch_size=16)
    lines = [json.loads(line) for line in (lost / "run.jsonl").open()]
    for line in lines:
        if "step" in line and "type" not in line and line["step"] > 5:
            ran_away = 10.0 ** (line["step"] * 9) if line["step"] < 30 else None
            line["loss"] = line["grad_norm"] = ran_away
        if line.get("event") == "finished":
            line["event"] = "diverged"
    (lost / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words, *_ = compared(browser, tmp_path / "page.html", [made, lost])
    assert words == ["Only made did not diverge.", "Diverged, and not compared: lost."]
    for chart in ("loss", "grad_norm"):
        ticks = axis_labels(browser, chart, "y")
        assert min(ticks) < 1e6 and 1e20 < max(ticks) < 1e39


def test_runs_that_cannot_be_compared_are_not(browser, tmp_path):
    page = tmp_path / "page.html"
    made = write_log(tmp_path / "made", 80, batch_size=8)
    blind = write_log(tmp_path / "blind", 80, held_out=None, batch_size=16)
    again = write_log(tmp_path / "again", 80, held_out=None, batch_size=32)
    twice = write_log(tmp_path / "twice", 80, batch_size=8)
    other = write_log(tmp_path / "other", 80, batch_size=8)
    log = (other / "run.jsonl").read_text()
    (other / "run.jsonl").write_text(log.replace('"accuracy"', '"rmse"'))
    (tmp_path / "old.csv").write_text(
        "step,loss\n" + "".join(f"{k},{1 / k}\n" for k in range(1, 99))
    )

    words, *_ = compared(browser, page, [made, blind])
    assert words == [
        "Only made has a validation loss: there is nothing to compare it with.",
        "Without a validation loss, and not compared: blind.",
    ]
    words, *_ = compared(browser, page, [blind, again])
    assert "the same training loss at the end" in words[0]
    words, table, _ = compared(browser, page, [made, twice])
    assert words == ["These runs have the same settings and the same seed."] and table == []
    assert "No setting differs." in texts(browser, "#compare p")
    words, *_ = compared(browser, page, [made, other])
    assert len(words) == 1 and "none is the better one" in words[0]
    assert texts(browser, "#outcome .best") == []
    report(made, tmp_path / "old.csv", "-o", page)
    browser.get(page.as_uri())
    assert "Logs of other programs tell no settings." in texts(browser, "#compare p")
    assert len(texts(browser, "#differences tbody tr")) == 1  # the outcome
