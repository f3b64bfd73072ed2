# SPDX-License-Identifier: Apache-2.0
"""The callbacks where their frameworks are missing; tests/integrations has them where they are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ravine.integrations._needs import TESTED

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"transformers": "huggingface", "lightning": "lightning", "keras": "keras"}


def test_the_versions_that_are_named_are_those_of_the_tests():
    listed = (ROOT / "tools/requirements-integrations.txt").read_text()
    assert TESTED.keys() == MODULES.keys()
    for package, version in TESTED.items():
        assert f"\n{package}=={version}\n" in listed


def fails(module, *before):
    program = "\n".join([*before, f"import ravine.integrations.{module}"])
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 1
    return ran.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("package", TESTED)
def test_a_framework_that_is_missing_is_named_with_the_version_that_was_tried(package):
    pytest.importorskip("torch")
    line = fails(MODULES[package], f"import sys; sys.modules['{package}'] = None")
    tested = f"Ravine's callback was tested with {package} {TESTED[package]}, and {package} "
    assert tested in line and re.match("(Import|ModuleNotFound)Error: ", line)


def test_a_framework_that_is_another_one_than_it_was(tmp_path):
    """Its names are not there: the version is said, and what is missing."""
    pytest.importorskip("torch")
    (tmp_path / "transformers.py").write_text("")
    (tmp_path / "transformers-3.0.dist-info").mkdir()
    (tmp_path / "transformers-3.0.dist-info/METADATA").write_text(
        "Name: transformers\nVersion: 3.0\n"
    )
    line = fails("huggingface", f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    assert "transformers 3.0 is installed: cannot import name 'Trainer'" in line


def test_the_package_itself_needs_no_framework():
    subprocess.run([sys.executable, "-c", "import ravine.integrations"], check=True)
