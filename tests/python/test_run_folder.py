# SPDX-License-Identifier: Apache-2.0
"""What is written into a run's folder without being named by anybody stays in it: a link that is
there, from whatever archive the folder came, is replaced and not followed."""

import shutil
import subprocess

import pytest
from conftest import RAVINE

PRECIOUS = "of great value\n"


def ravine(*args, cwd=None):
    done = subprocess.run(
        [RAVINE, *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    return done


@pytest.fixture
def place(run_folder, tmp_path):
    """A finished run that was stopped in its second epoch, and something of value beside it."""
    folder = shutil.copytree(run_folder, tmp_path / "run")
    max((folder / "checkpoints").iterdir()).unlink()
    (tmp_path / "home").write_text(PRECIOUS)
    (folder / "weights.safetensors").unlink()
    return tmp_path


def make_link(file, target):
    file.unlink(missing_ok=True)
    file.symlink_to(target)


COMMANDS = [["report", "run"], ["train", "-q", "--resume", "run"], ["doctor", "run", "--probe"]]


@pytest.mark.parametrize("target", ["../home", "../nothing"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["report.html", "weights.safetensors", "events"])
def test_links_are_replaced(place, command, name, target):
    folder = place / "run"
    if name == "events":
        (file,) = folder.glob("events.*")
    else:
        file = folder / name
    make_link(file, target)
    done = ravine(*command, cwd=place)
    assert done.returncode == 0 or done.returncode in range(11, 23), done.stderr
    assert (place / "home").read_text() == PRECIOUS
    assert sorted(p.name for p in place.iterdir()) == ["home", "run"]
    written = {"report.html"} if command[0] != "train" else {"report.html", name}
    assert not file.is_symlink() or name not in written


def test_links_among_checkpoints(place):
    """The name of the next one is known to whoever made the archive."""
    for step in (12, 24):
        file = place / f"run/checkpoints/step-{step:08}.safetensors"
        if not file.exists():
            file.symlink_to("../../home")
    done = ravine("train", "-q", "--resume", "run", cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "home").read_text() == PRECIOUS
    assert not any(p.is_symlink() for p in (place / "run/checkpoints").iterdir())


def test_a_comparison_here(place):
    """report.html in the current folder is named by nobody either."""
    shutil.copytree(place / "run", place / "other")
    make_link(place / "report.html", "home")
    done = ravine("report", "run", "other", cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "home").read_text() == PRECIOUS and not (place / "report.html").is_symlink()


def test_a_file_that_was_named_is_followed(place):
    make_link(place / "page.html", "home")
    done = ravine("report", "run", "-o", "page.html", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "<html" in (place / "home").read_text() and (place / "page.html").is_symlink()
