# SPDX-License-Identifier: Apache-2.0
"""The rooms of the house: tools/check-rooms and tools/check-symbols here, and in copies of the tree
that break each rule."""

import os
import shutil
import subprocess

import pytest
from conftest import RAVINE, ROOT

PARTS = ["include", "common", "lib", "app", "python/ravine", "examples", "web"]
OBJECTS = RAVINE.with_name("objects.txt")
in_repository = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a repository")


def run(*command):
    """The exit status of a check and the lines that it prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A repository that is a copy of the house."""
    folder = tmp_path_factory.mktemp("house")
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part)
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


@pytest.fixture
def check(copy):
    """What tools/check-rooms says of the copy with lines appended to files, which then go again."""
    before = {}

    def with_lines(**lines):
        for path, line in lines.items():
            file = copy / path
            before[file] = file.read_bytes() if file.exists() else None
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text((before[file] or b"").decode() + line + "\n")
        subprocess.run(["git", "-C", copy, "add", "-A"], check=True)
        return run(ROOT / "tools/check-rooms", copy)

    yield with_lines
    for file, content in before.items():
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)


@in_repository
def test_this_tree_keeps_to_its_rooms():
    assert run(ROOT / "tools/check-rooms", ROOT) == (0, [])


def test_the_copy_is_whole(check):
    assert check() == (0, [])


LIB_SEES = "lib/ sees include/*.h and common/*"
APP_SEES = "app/ sees include/*.h and common/*"
WEB_SEES = "web/ sees include/*.h and app/surface/* and app/io/failure.h"
BROKEN = [
    ("app/io/input.c", '#include "base/memory.h"', f"lib/base/memory.h: {APP_SEES}"),
    ("app/io/input.c", "#  include <store/json.h>", f"lib/store/json.h: {APP_SEES}"),
    ("app/io/input.c", '#include "../../lib/base/pool.h"', f"lib/base/pool.h: {APP_SEES}"),
    ("app/io/input.c", '#include "lib/base/pool.h"', f"lib/base/pool.h: {APP_SEES}"),
    ("app/network/body/run.inc", '#include "base/sized.h"', f"lib/base/sized.h: {APP_SEES}"),
    ("python/ravine/native.c", '#include "base/pool.h"', "lib/base/pool.h: python/ sees include/*"),
    ("mpi/reduce.c", '#include "math/sort.h"', "common/math/sort.h: mpi/ sees include/*"),
    ("web/play.cpp", '#include "base/pool.h"', f"lib/base/pool.h: {WEB_SEES}"),
    (
        "web/playground.c",
        '#include "math/sort.h"',
        f"common/math/sort.h: {WEB_SEES}",
    ),
    (
        "examples/01_smallest.c",
        '#include "base/pool.h"',
        "lib/base/pool.h: examples/ sees include/*",
    ),
    ("lib/base/pool.c", '#include "io/failure.h"', f"app/io/failure.h: {LIB_SEES}"),
    ("common/math/sort.c", '#include "base/pool.h"', "lib/base/pool.h: common/ sees include/*.h"),
    (
        "include/ravine.h",
        '#include "math/pair.h"',
        "common/math/pair.h: include/ sees nothing else",
    ),
    (
        "lib/base/pool.c",
        '#include "optimizer/optimizer.h"',
        "lib/optimizer/optimizer.h: the room optimizer stands above base",
    ),
    (
        "lib/doctor/judge/cure.c",
        '#include "doctor/probe/probe.h"',
        "lib/doctor/probe/probe.h: the room doctor/probe stands above doctor/judge",
    ),
    (
        "app/cli/options.c",
        '#include "trainer/train.h"',
        "app/trainer/train.h: the room trainer stands above cli",
    ),
    (
        "common/math/sort.c",
        '#include "file/folder.h"',
        "common/file/folder.h: the room file stands above math",
    ),
]


@pytest.mark.parametrize("path, line, fault", BROKEN)
def test_an_include_that_must_not_be(check, copy, path, line, fault):
    number = (copy / path).read_text().count("\n") + 1 if (copy / path).exists() else 1
    assert check(**{path: line}) == (1, [f"{path}:{number}: includes {fault}"])


def test_a_public_header_of_cpp_is_not_for_the_library(check):
    status, lines = check(
        **{"include/ravine.hpp": "#pragma once", "lib/base/pool.c": '#include "ravine.hpp"'}
    )
    assert status == 1 and len(lines) == 1
    assert lines[0].endswith(f"includes include/ravine.hpp: {LIB_SEES}")


def test_files_that_include_each_other(check):
    names = ["common/text/names.h", "common/text/number.h", "common/text/error.h"]
    circle = {
        file: f'#include "text/{os.path.basename(to)}"'
        for file, to in zip(names, names[1:] + names[:1], strict=True)
    }
    assert check(**circle) == (1, [f"a circle of includes: {', '.join(sorted(names))}"])


def test_files_of_one_name(check):
    assert check(**{"lib/base/csv.c": ""}) == (
        1,
        ["files of one name: app/data/csv.c, lib/base/csv.c"],
    )


def test_a_file_without_a_room(check):
    fault = "lib/attic/chest.c: it lies in no room of tools/rooms.toml"
    assert check(**{"lib/attic/chest.c": ""}) == (1, [fault])


def test_a_header_that_nobody_includes(check):
    assert check(**{"lib/base/chest.h": ""}) == (1, ["lib/base/chest.h: nobody includes it"])


def test_a_header_that_is_not_there(check):
    status, lines = check(**{"lib/base/chest.c": '#include "base/chest.h"'})
    assert (status, lines) == (1, ["lib/base/chest.c:1: there is no base/chest.h"])


def test_python_that_calls_what_is_not_public(check):
    status, lines = check(**{"python/ravine/_more.py": "lib.ravine_env_alloc(1)"})
    fault = "python/ravine/_more.py:1: ravine_env_alloc is in no public header"
    assert (status, lines) == (1, [fault])


# ---- the house as it is compiled


@pytest.fixture
def symbols(tmp_path):
    """What tools/check-symbols says of the objects of the build, with sources added to them."""

    def of(include=None, **sources):
        objects = OBJECTS.read_text().splitlines()
        for path, text in sources.items():
            made = tmp_path / f"{path}.o"
            made.parent.mkdir(parents=True, exist_ok=True)
            compile = ["cc", "-x", "c", "-c", "-", "-o", made]
            subprocess.run(compile, input=text, text=True, check=True)
            objects = [known for known in objects if not known.endswith(f"/{path}.o")]
            objects.append(str(made))
        (tmp_path / "objects.txt").write_text("\n".join(objects) + "\n")
        root = ROOT
        if include:
            root = tmp_path / "root"
            shutil.copytree(ROOT / "include", root / "include")
            shutil.copytree(ROOT / "python", root / "python")
            (root / "include/more.h").write_text(include)
        return run(ROOT / "tools/check-symbols", tmp_path / "objects.txt", root)

    return of


def test_the_build_keeps_to_its_rooms(symbols):
    assert symbols() == (0, [])


def test_the_command_calls_what_is_not_public(symbols):
    text = "int ravine_env_alloc(void); static int f(void) { return ravine_env_alloc(); }"
    status, lines = symbols(**{"app/io/more.c": text + "int (*ravine_put)(void) = f;"})
    assert status == 1
    assert lines[0] == (f"app/io/more.c: uses ravine_env_alloc of lib/base/memory.c: {APP_SEES}")


def test_a_room_calls_a_higher_one(symbols):
    call = "int ravine_snapshot_place(void); int ravine_f(void) { return ravine_snapshot_place(); }"
    status, lines = symbols(**{"lib/base/more.c": call})
    assert status == 1
    assert lines[0] == (
        "lib/base/more.c: uses ravine_snapshot_place of lib/checkpoint/snapshot.c: "
        "the room checkpoint stands above base"
    )


def test_files_that_call_each_other(symbols):
    status, lines = symbols(
        **{
            "lib/base/one.c": "int ravine_b(void); int ravine_a(void) { return ravine_b(); }",
            "lib/base/two.c": "int ravine_a(void); int ravine_b(void) { return ravine_a(); }",
        }
    )
    ties = (
        "lib/base/two.c -> lib/base/one.c (ravine_a), lib/base/one.c -> lib/base/two.c (ravine_b)"
    )
    assert (status, lines) == (1, [f"a circle of files: {ties}"])


@pytest.mark.parametrize("path", ["lib/base/more.c", "common/math/more.c", "app/io/more.c"])
@pytest.mark.parametrize(
    "text", ["int ravine_idle(void) { return 1; }", "const int ravine_idle = 1;"]
)
def test_what_nobody_uses(symbols, path, text):
    fault = f"{path}: ravine_idle is used in no other file: it is static, or goes"
    assert symbols(**{path: text}) == (1, [fault])


def test_a_name_that_a_program_could_have(symbols):
    files = {
        "lib/base/one.c": "int shown(void) { return 1; }",
        "lib/checkpoint/two.c": "int shown(void); static int f(void) { return shown(); }"
        "int (*ravine_use)(void) = f;",
    }
    _, lines = symbols(**files)
    assert "lib/base/one.c: shown does not begin with ravine_" in lines


def test_what_is_public_and_has_no_client(symbols):
    fault = "ravine_more: neither command nor Python uses it, and tools/rooms.toml does not say why"
    assert symbols(
        include="RAVINE_API int ravine_more(int);",
        **{"lib/base/more.c": "int ravine_more(int x) { return x; }"},
    ) == (1, [fault])
