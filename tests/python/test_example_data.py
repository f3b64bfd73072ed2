# SPDX-License-Identifier: Apache-2.0
"""The committed example data are what their script writes."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_energy():
    script = ROOT / "tools/make_example_data.py"
    written = subprocess.run([sys.executable, script], capture_output=True, check=True).stdout
    assert written == (ROOT / "examples/data/energy.csv").read_bytes()
