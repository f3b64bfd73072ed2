# SPDX-License-Identifier: Apache-2.0
"""What no tracked file may be: tools/check-tree here, and in trees that break each rule."""

import os
import subprocess

import pytest
from conftest import ROOT

CHECK = ROOT / "tools/check-tree"
HOME = "/" + "home/ada"  # in parts: this file is checked too


def check(folder):
    """The exit status of the check and the lines that it prints."""
    done = subprocess.run([CHECK, folder], capture_output=True, text=True)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def tree(tmp_path):
    """A repository to which a test adds files by name and content; a link is given as a tuple."""

    def make(**files):
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                path.symlink_to(content[0])
            else:
                path.write_bytes(content)
        subprocess.run(["git", "-C", tmp_path, "add", "-A", "-f"], check=True)
        return tmp_path

    return make


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a repository")
def test_this_tree_is_clean():
    assert check(ROOT) == (0, [])


@pytest.mark.parametrize("target", [HOME, "../outside", "inner/../../outside", "/dev/null"])
def test_a_link_that_leaves_the_tree(tree, target):
    status, lines = check(tree(venv=(target,)))
    assert status == 1
    assert lines == [f"venv: is a link to {target}, which lies outside the tree"]


@pytest.mark.parametrize("target", ["file", "./inner/../file", "not_there"])
def test_a_link_inside_the_tree(tree, target):
    assert check(tree(file=b"text", link=(target,))) == (0, [])


@pytest.mark.parametrize(
    "line", [f'open("{HOME}/x.csv")', f"cd {HOME}", f"`{HOME}/a b`", f"file://{HOME}/x", HOME]
)
def test_a_path_of_one_machine(tree, line):
    status, lines = check(tree(notes=f"first\n{line}\n".encode()))
    assert status == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"notes: line 2: {HOME}")
    assert lines[0].endswith("is a path of one machine")


@pytest.mark.parametrize("line", ["/usr/bin/env", "${X}/home/x", "src/home/x", "~/home/x", "/home"])
def test_paths_that_every_machine_has(tree, line):
    assert check(tree(notes=line.encode())) == (0, [])


def test_a_large_file(tree):
    limit = 1 << 20
    status, lines = check(tree(fits=b"x" * limit, large=b"x" * (limit + 1)))
    assert (status, lines) == (1, [f"large: has {limit + 1:,} bytes; the limit is {limit:,}"])


LINE = b"SPDX-License-Identifier: Apache-2.0"


@pytest.mark.parametrize(
    "name, text, fits",
    [
        ("a.c", b"/* " + LINE + b" */\nint a;\n", True),
        ("a.py", b"#!/usr/bin/env python3\n# " + LINE + b"\n", True),
        ("fuzz/corpus/x/a.c", b"int a;\n", True),
        ("__init__.py", b"", True),
        ("notes.md", b"text\n", True),
        ("a.c", b"int a;\n", False),
        ("a.h", b"\n\n\n/* " + LINE + b" */\n", False),
        ("a.cmake", b"# SPDX-License-Identifier: MIT\n", False),
        ("script", b"#!/bin/sh\n", False),
        ("b/CMakeLists.txt", b"project(b)\n", False),
    ],
)
def test_a_source_says_its_licence(tree, name, text, fits):
    fault = f"{name}: does not say {LINE.decode()} in its first 3 lines"
    assert check(tree(**{name: text})) == ((0, []) if fits else (1, [fault]))


def test_what_is_not_tracked_is_not_looked_at(tree):
    folder = tree(file=b"text")
    os.symlink("/", folder / "not_added")
    assert check(folder) == (0, [])
