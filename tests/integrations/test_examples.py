# SPDX-License-Identifier: Apache-2.0
"""Scripts for each framework with two lines added, as a person runs them."""

import subprocess
import sys

import pytest
from conftest import ROOT

FOLDER = ROOT / "examples" / "frameworks"
# The only thing that is said.
SAYS = {
    "hf_trainer.py": "ravine: step 16: The very first steps were far too long",
    "lightning_trainer.py": "ravine: step 2: The optimizer does not have all parameters",
    "keras_fit.py": "ravine: step 45: The loss or a gradient is not a number any more",
}


def test_every_example_is_tested():
    assert {path.name for path in FOLDER.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_examples(name, tmp_path):
    program = FOLDER / name
    assert sum("# added" in line for line in program.read_text().splitlines()) == 2
    ran = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert SAYS[name] in ran.stderr and ran.stderr.count("ravine:") == 1
