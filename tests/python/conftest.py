# SPDX-License-Identifier: Apache-2.0
"""What several tests share: a browser, and a short run of `ravine train` whose files are read with
the software of others."""

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
RAVINE = (ROOT / os.environ.get("RAVINE_BUILD", "build") / "ravine").resolve()
# The Python package, here and in the programs that tests start.
os.environ["RAVINE_LIBRARY"] = str(RAVINE.with_name("libravine.so"))
os.environ["RAVINE_COMMAND"] = str(RAVINE)
os.environ["PYTHONPATH"] = str(ROOT / "python")
sys.path.insert(0, str(ROOT / "python"))
SETTINGS = {
    "name": "energy",
    "epochs": 2,
    "log_every": 1,
    "data.format": "csv",
    "data.file": ROOT / "examples/data/energy.csv",
    "data.target": "kwh",
    "data.task": "regression",
    "model.widths": "[16]",
}


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """The folder of a finished run: 1,440 homes to train on, 12 steps an epoch."""
    folder = tmp_path_factory.mktemp("runs")
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    subprocess.run(
        [RAVINE, "train", *settings, f"--set=runs_dir={folder}", "--quiet"],
        check=True,
        timeout=120,
    )
    return folder / SETTINGS["name"]


@pytest.fixture(scope="session")
def made_lecture(tmp_path_factory):
    """Of `ravine lecture`: the folder, what --json printed, and how long it took."""
    folder = tmp_path_factory.mktemp("lecture") / "made"
    begun = time.monotonic()
    done = subprocess.run(
        [RAVINE, "lecture", "--json", "-o", folder], capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout), time.monotonic() - begun


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium, driven by Debian's chromium-driver: selenium downloads nothing."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


@pytest.fixture
def one_thread():
    """PyTorch on one thread: tests that run side by side do not fight for processors."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def wait_for(condition, what):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def assert_quiet(browser):
    assert browser.get_log("browser") == []
