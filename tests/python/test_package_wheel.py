# SPDX-License-Identifier: Apache-2.0
"""The source distribution and the wheel that is made of it: what is in them, that the wheel works
without a compiler and goes without a trace, and that the examples run from it."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEIGHBOURS = str(Path(find_spec("numpy").origin).parents[1])  # NumPy's and PyTorch's folder
BUILD = "from scikit_build_core import build; import sys; print(build.build_sdist(sys.argv[1]))"


def run(*command, cwd=None, **environment):
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        env=environment or None,
    ).stdout


def pip(*arguments):
    return run(sys.executable, "-m", "pip", *arguments, **os.environ)


def environment(folder):
    """A fresh one, with neither pip nor packages; the path of its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Made where no program is at hand, git and compiler included."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-c", BUILD, folder, cwd=ROOT, PATH="/nonexistent")
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Made of the source distribution, far from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    pip("wheel", *options, f"--wheel-dir={folder}", sdist)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The bin folder of an environment with the wheel; PATH has nothing else."""
    python = environment(tmp_path_factory.mktemp("environment"))
    install(python, wheel)
    return python.parent


def install(python, wheel):
    pip("--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)


def in_it(installed, *command):
    """Runs a program of the environment."""
    program, *arguments = command
    return run(installed / program, *arguments, PATH=str(installed), PYTHONPATH=NEIGHBOURS)


def test_the_source_distribution_has_every_file(sdist):
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no git, no list of files")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    files = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names == files | {"PKG-INFO"}


def test_what_pip_shows(sdist, wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        shown = email.message_from_bytes(archive.read(name))
    assert shown["Name"] == "ravine" and shown["License-Expression"] == "Apache-2.0"
    assert shown["Summary"] and shown["Author"] and len(shown["Keywords"].split(",")) > 3
    classifiers = shown.get_all("Classifier")
    for word in ("Intended Audience", "Operating System :: POSIX :: Linux", "Topic", "Typing"):
        assert any(c.startswith(word) for c in classifiers), word
    assert shown["Description-Content-Type"] == "text/markdown"
    assert "ravine.Optimizer(" in shown.get_payload()
    # What has no answer yet is left out: no address is invented.
    assert "Home-page" not in shown and "Project-URL" not in shown
    with tarfile.open(sdist) as archive:
        (name,) = (n for n in archive.getnames() if n.endswith("/PKG-INFO"))
        assert email.message_from_binary_file(archive.extractfile(name)).items() == shown.items()


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


STEP = """
import numpy, ravine
w = numpy.ones(3)
ravine.Optimizer("sgd lr=0.5", {"w": w}).step({"w": numpy.ones(3)})
print(w)
"""


def test_it_comes_and_goes(wheel, tmp_path):
    """A step, the command, and after the uninstalling no file is left."""
    python = environment(tmp_path / "environment")
    before = set(python.parents[1].rglob("*"))
    install(python, wheel)
    assert in_it(python.parent, "python", "-c", STEP) == "[0.5 0.5 0.5]\n"
    assert in_it(python.parent, "ravine", "--version").startswith("ravine ")
    pip("--python", python, "uninstall", "--quiet", "--yes", "ravine")
    assert set(python.parents[1].rglob("*")) == before


EXAMPLES = {
    "numpy_regression.py": "weights [ 0.99 -1.99  0.51] bias 2.98\n",
    "pytorch_training.py": None,
    "pytorch_stuck.py": "the doctor called out 0 times; at the end: healthy\n",
    "pytorch_processes.py": "the doctor at the end: healthy\n",
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
