# SPDX-License-Identifier: Apache-2.0
"""What the tests of `ravine report` share: made logs, and pages in a browser."""

import json
import math
import subprocess

from conftest import RAVINE, wait_for
from selenium.webdriver.common.by import By

CHARTS = ["loss", "grad_norm", "score", "lr", "ratio", "step_time"]
SPIKE_STEP, SPIKE = 12_345, 1000.0


def report(*args, cwd=None, code=0):
    done = subprocess.run(
        [RAVINE, "report", *map(str, args)], cwd=cwd, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done


def header(steps, **config):
    return {
        "type": "header",
        "format": 1,
        "version": "0.1.0",
        "total_steps": steps,
        "groups": [{"name": "weights", "size": 90}, {"name": "vectors", "size": 10}],
        "config": {"name": "made", "optimizer": "adamw", **config},
    }


def step(k, steps):
    """Loss and gradient fall, but for one spike; the learning rate falls to 0."""
    loss = SPIKE if k == SPIKE_STEP else 2 * math.exp(-5 * k / steps) + 0.1 * (k * 37 % 11) / 11
    return {
        "step": k,
        "epoch": 1 + 4 * (k - 1) // steps,
        "loss": loss,
        "lr": 1e-3 * (1 - k / steps),
        "grad_norm": 0.5 + math.exp(-9 * k / steps) + 0.2 * (k * 53 % 13) / 13,
        "update_norm": 0.01,
        "param_norm": 5.0,
        "group_grad_norm": [1.0, 0.1],
        "group_update_norm": [0.01 * (1 + k % 7), 1e-4],
        "group_param_norm": [5.0, 0.7 + k / steps],
        "clip": 1,
        "nonfinite": 0,
        "seconds": k * 2e-3 + (k % 5) * 1e-4,
    }


def epoch(e, k, loss, accuracy):
    return {
        "type": "epoch",
        "epoch": e,
        "step": k,
        "train": {"loss": loss * 0.9, "accuracy": accuracy + 0.02},
        "validation": {"loss": loss, "accuracy": accuracy},
        "seconds": 1.5,
    }


def write_log(folder, steps, *, held_out=1.0, test=0.375, **config):
    """`held_out`: the validation loss after epoch 1, of which epoch e has one e-th; None: none is
    held out."""
    folder.mkdir(parents=True)
    with open(folder / "run.jsonl", "w", encoding="ascii") as log:
        log.write(json.dumps(header(steps, **config)) + "\n")
        for k in range(1, steps + 1):
            log.write(json.dumps(step(k, steps), separators=(",", ":")) + "\n")
            if 4 * k % steps == 0:
                e = 4 * k // steps
                line = epoch(e, k, (held_out or 1) / e, 0.5 + 0.1 * e)
                if held_out is None:
                    del line["validation"]
                log.write(json.dumps(line) + "\n")
        tested = {"type": "test", "epoch": 4, "step": steps, "loss": test, "accuracy": 0.75}
        log.write(json.dumps(tested) + "\n")
        log.write(json.dumps({"type": "event", "event": "finished", "step": steps}) + "\n")
    return folder


def charts(browser):
    """The pictures of the charts that are shown, by name."""
    return browser.execute_script(
        "const all = {}; for (const f of document.querySelectorAll('figure:not([hidden])')) {"
        "const c = f.querySelector('.plot svg'); if (c) all[f.id] = c.outerHTML; } return all"
    )


def visit(browser, page, width=1400, dark=False):
    browser.get_log("browser")  # what is there belongs to others
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(page.as_uri())
    wait_for(lambda: len(charts(browser)) == len(CHARTS), "all charts are drawn")


def axis_labels(browser, chart, axis):
    texts = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)",
        f"#{chart} .tick-{axis}",
    )
    return [float(text.replace(",", "")) for text in texts]


def click(browser, identity):
    browser.execute_script("document.getElementById(arguments[0]).click()", identity)


def box(browser, selector):
    """(left, top, right, bottom) on the page."""
    return browser.execute_script(
        "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [r.left, r.top + scrollY, r.right, r.bottom + scrollY]",
        selector,
    )


def texts(browser, selector):
    return [e.text for e in browser.find_elements(By.CSS_SELECTOR, selector)]


def two_runs(folder):
    """Runs of 20,000 and 1,000 steps; the longer one has a spike of one step."""
    long = write_log(folder / "long", 20_000, batch_size=256)
    return long, write_log(folder / "short", 1_000, batch_size=32)


def compare(runs):
    """The page that compares them."""
    page = runs[0].parent / "compared.html"
    assert report(*runs, "-o", page).stdout == b""
    return page
