"""The wheel: what is in it, that it works without a compiler, and that the examples run from it."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEIGHBOURS = str(Path(find_spec("numpy").origin).parents[1])  # NumPy's and PyTorch's folder


def run(*command, **environment):
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=300, env=environment or None
    ).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    options = [
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--quiet",
        f"--wheel-dir={folder}",
    ]
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT, **os.environ)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The bin folder of an environment with the wheel; PATH has nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder)
    bin_folder = folder / "bin"
    run(bin_folder / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    return bin_folder


def in_it(installed, *command):
    """Runs a program of the environment."""
    program, *arguments = command
    return run(installed / program, *arguments, PATH=str(installed), PYTHONPATH=NEIGHBOURS)


def test_what_is_in_it(wheel):
    assert re.fullmatch(r"ravine-[\d.]+-py3-none-linux_\w+\.whl", wheel.name)
    names = set(zipfile.ZipFile(wheel).namelist())
    python = {str(path.relative_to(ROOT / "python")) for path in (ROOT / "python").rglob("*.py")}
    assert python | {"ravine/py.typed", "ravine/libravine.so", "ravine/bin/ravine"} <= names
    assert not [name for name in names if name.endswith((".a", ".h", ".pc", ".pyc"))]


def test_it_needs_nothing_but_the_c_library(installed):
    package = next((installed.parent / "lib").glob("python*/site-packages/ravine"))
    for file in ("libravine.so", "bin/ravine"):
        dynamic = run("objdump", "-p", package / file)
        needed = set(re.findall(r"NEEDED +(\S+)\.so", dynamic))
        assert needed <= {"libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}, needed


def test_the_command_in_it(installed):
    version = in_it(installed, "ravine", "--version")
    assert version == in_it(installed, "python", "-m", "ravine", "--version")
    assert in_it(installed, "ravine", "optimizers", "adamw").startswith("adamw: ")


EXAMPLES = {
    "numpy_regression.py": "weights [ 0.99 -1.99  0.51] bias 2.98\n",
    "pytorch_training.py": None,
    "pytorch_resume.py": "resumed and uninterrupted training: the same bits\n",
}


def test_every_example_is_tested():
    assert {path.name for path in (ROOT / "examples/python").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(installed, name):
    if name.startswith("pytorch"):
        pytest.importorskip("torch", reason="PyTorch is not installed")
    printed = in_it(installed, "python", ROOT / "examples/python" / name)
    if EXAMPLES[name]:
        assert printed.endswith(EXAMPLES[name])
    else:
        theirs, ours, clipped = map(float, re.findall(r"^loss .* ([\d.]+)$", printed, re.MULTILINE))
        assert ours == pytest.approx(theirs, abs=2e-5)
        assert theirs < 0.3 and clipped < 0.3
