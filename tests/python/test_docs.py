# SPDX-License-Identifier: Apache-2.0
"""The pages say what the command and the headers say, and their links lead somewhere."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RAVINE = Path(os.environ.get("RAVINE_BUILD", ROOT / "build")).resolve() / "ravine"
LINKS = ROOT / "tools" / "check-links"
sys.path += [str(ROOT / "tools"), str(ROOT / "tools" / "site")]
PICTURES = importlib.import_module("doc_pictures").wanted()


def check_links(*args: Path, cwd: Path = ROOT) -> tuple[int, list[str]]:
    """The exit status of tools/check-links and the lines that it prints."""
    command = [sys.executable, LINKS, *args]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_settings_on_the_pages_of_the_rules() -> None:
    script = ROOT / "tools" / "rule_tables.py"
    checked = subprocess.run(
        [sys.executable, script, RAVINE, "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


READMES = {
    "README.md": "C.UTF-8",
    "README.zh-CN.md": "zh_CN.UTF-8",
    "README.zh-TW.md": "zh_TW.UTF-8",
}


@pytest.mark.parametrize("name", READMES)
def test_the_answer_that_a_readme_shows(name: str) -> None:
    """Word for word, in its language."""
    command, shown = re.search(
        r"^```\n\$ ravine (doctor .*)\n((?:.*\n)*?)```", readme(name), re.M
    ).groups()
    said = subprocess.run(
        [RAVINE, *shlex.split(command)],
        env=os.environ | {"LC_ALL": READMES[name]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.rstrip() == shown.rstrip()


def readme(name: str) -> str:
    return (ROOT / name).read_text()


def test_readmes_show_the_same() -> None:
    """Programs, commands, links and figures; what is said may differ in length alone."""
    same = re.compile(r"^```.*?^```|\]\([^)]*\)|^    make .*?  ", re.M | re.S)

    def shown(name: str) -> list[str]:
        found = same.findall(readme(name))
        languages = [f"]({other})" for other in READMES]
        return [part for part in found if part not in languages and "doctor" not in part]

    first, *others = map(shown, READMES)
    assert [other == first for other in others] == [True, True]


def test_figures_of_the_readmes_are_those_of_the_pages() -> None:
    checked = subprocess.run(
        [ROOT / "tools/headlines", "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a repository")
@pytest.mark.parametrize("name", [name for name, race in PICTURES.items() if race])
def test_a_race_that_a_page_draws(name: str, tmp_path: Path) -> None:
    """`make pictures` makes it by the command above it. Those of the lecture: test_lecture.py."""
    command = [RAVINE, "race", *PICTURES[name], "-o", tmp_path / name]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / name).read_text() == (ROOT / "docs/pictures" / name).read_text()


def test_no_picture_is_left_over() -> None:
    assert {path.name for path in (ROOT / "docs/pictures").iterdir()} == set(PICTURES)


def test_links_of_the_tree() -> None:
    assert check_links() == (0, [])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("[a](other.md)", None),
        ("[a](other.md#two-words)", None),
        ("[a](other.md#two-words-1)", None),
        ("[a](docs/)", None),
        ("[a](#here)", None),
        ("[a](https://example.org/nowhere.md)", None),
        ("`[a](missing.md)`", None),
        ("    [a](missing.md)", None),
        ("`src/a.c`, `b/a.c`, `src/*.c`, `src/NAME.c`, `build/x.c`", None),
        ("[a](missing.md)", "missing.md leads to missing.md, which is not in the tree"),
        ("[a](../other.md)", "../other.md leads to ../other.md, which is not in the tree"),
        ("[a](other.md#three)", "other.md#three leads to a heading that other.md does not have"),
        ("[a](#there)", "#there leads to a heading that page.md does not have"),
        ("![a](docs/b.svg)", "docs/b.svg leads to docs/b.svg, which is not in the tree"),
        ("`src/b`, `and/or`", None),
        ("`src/b.c`", "`src/b.c` is not in the tree"),
        ("`src/c`", "`src/c` is not in the tree"),
    ],
)
def test_a_link_of_a_page(tmp_path: Path, line: str, fault: str | None) -> None:
    files = {
        "page.md": f"# Here\n\n{line}\n",
        "other.md": "# Other\n\n## Two *words*\n\n## Two words\n\n```\n## Three\n```\n",
        "docs/a.md": "# A\n",
        "src/b/a.c": "",
    }
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "src/a.c").touch()
    wanted = (1, [f"page.md:3: {fault}"]) if fault else (0, [])
    assert check_links(cwd=tmp_path) == wanted


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("b.html", None),
        ("b.html#x", None),
        ("#y", None),
        ("https://example.org", None),
        ("c.html", "leads to no file of the site"),
        ("b.html#z", "leads to an id that is not there"),
        ("#z", "leads to an id that is not there"),
    ],
)
def test_a_link_of_the_site(tmp_path: Path, link: str, fault: str | None) -> None:
    (tmp_path / "a.html").write_text(f'<p id="y"><a href="{link}">a</a></p>')
    (tmp_path / "b.html").write_text('<p id="x"></p>')
    wanted = (1, [f"a.html:1: {link} {fault}"]) if fault else (0, [])
    assert check_links(tmp_path) == wanted


def test_a_site_without_pages(tmp_path: Path) -> None:
    assert check_links(tmp_path)[0] == 1


def test_a_page_for_every_public_call(tmp_path: Path) -> None:
    """The C preprocessor and pycparser say what is declared, not what the pages are made with."""
    from calls import write_pages
    from pycparser import c_ast
    from python_api import read_headers

    write_pages(tmp_path)
    named = [node for node in read_headers()[1] if (getattr(node, "name", "") or "") != ""]
    declared = [node for node in named if isinstance(node.type, c_ast.FuncDecl)]
    assert len(declared) > 90
    for node in declared:
        page = (tmp_path / f"{node.name.removesuffix('_sized')}.md").read_text()
        assert f"{node.name}(" in page
        parameters = [p.name for p in node.type.args.params if p.name]
        if not node.name.endswith("_sized"):
            assert (
                re.findall(r"^\| `(\w+)` \| (?!.*\| *\|$)", page, re.MULTILINE)[: len(parameters)]
                == parameters
            )
        status = getattr(node.type.type.type, "names", None) == ["ravine_status"]
        assert ("| `RAVINE_OK` | done |" in page) == status
    for node in named:
        if isinstance(node, c_ast.Typedef) and node.name.startswith("ravine_"):
            assert (tmp_path / f"{node.name}.md").exists()


def test_the_citation_is_of_this_version() -> None:
    numbers = re.findall(r"VERSION_[MP]\w+ (\d+)", (ROOT / "include" / "ravine.h").read_text())
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {'.'.join(numbers)}\n" in citation
    assert "\nlicense: Apache-2.0\n" in citation  # as LICENSE
    for key in ("cff-version: 1.2.0", "message: ", "title: ", "authors:"):
        assert f"\n{key}" in f"\n{citation}"  # what a reader of the format needs


CALL_EVERYTHING = """
import ctypes, sys
from ravine import _api
from ravine._library import _path
library = ctypes.CDLL(str(_path))
for name, (result, arguments) in _api.PROTOTYPES.items():
    if result is _api.ravine_status:
        call = getattr(library, name)
        call.argtypes = arguments
        numbers = (ctypes.c_int, ctypes.c_int64, ctypes.c_size_t, ctypes.c_double)
        print(name, call(*(0 if issubclass(kind, numbers) else None for kind in arguments)))
"""


def test_what_the_manual_says_of_null() -> None:
    """Every call that returns a status refuses NULL with E_ARG; no samples are a fine number."""
    command = [sys.executable, "-c", CALL_EVERYTHING]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answers = dict(line.split() for line in told.splitlines())
    assert len(answers) > 50
    assert answers.pop("ravine_samples_take") == answers.pop("ravine_samples_measure") == "0"
    assert set(answers.values()) == {"-1"}
