# SPDX-License-Identifier: Apache-2.0
"""tools/evidence: what a command printed goes into the section of the machine that it ran on."""

import importlib.machinery
import importlib.util
import sys

import pytest
from conftest import ROOT

PAGE = """# Figures

<!-- processors -->
<!-- end -->

Before.

<!-- bench -->

#### Another, family 6 model 1, AVX2

`make bench`, 2026-01-02, commit abc1234, 2 cores, 10 s:

old figures

<!-- end -->

After.
"""


def kept(figures):
    """As `tools/evidence keep` writes it."""
    return f"`make bench`, 2026-02-03, commit def5678, 2 cores, 10 s:\n\n{figures}\n"


@pytest.fixture
def evidence(tmp_path, monkeypatch):
    """The module, with pages and kept texts in a folder of the test."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # no tools/evidencec
    loader = importlib.machinery.SourceFileLoader("evidence", str(ROOT / "tools/evidence"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("evidence", loader))
    loader.exec_module(module)
    module.KEPT = tmp_path / "kept"
    module.KEPT.mkdir()
    module.PAGES = [tmp_path / "bench_evidence.md"]
    module.PAGES[0].write_text(PAGE)
    return module


def fill(module, figures):
    """The page after a text was kept and put there."""
    (module.KEPT / "bench.md").write_text(kept(figures))
    assert module.fill() == 0
    return module.PAGES[0].read_text()


def test_a_section_for_each_processor(evidence):
    here = evidence.machine.processor()
    page = fill(evidence, "new figures")
    assert "old figures" in page
    assert "new figures" in page.split(f"#### {here}\n")[1].split("####")[0]
    page = fill(evidence, "newer figures")
    assert "old figures" in page
    assert "new figures" not in page
    assert page.count(f"#### {here}\n") == 1
    assert page.startswith("# Figures") and page.endswith("After.\n") and "Before." in page


def test_the_table_says_which_figures_are_of_which(evidence):
    rows = fill(evidence, "new figures").split("<!-- processors -->")[1].split("<!-- end -->")[0]
    assert "| processor | bench |" in rows
    assert "| Another, family 6 model 1, AVX2 | 2026-01-02, `abc1234` |" in rows
    assert f"| {evidence.machine.processor()} | 2026-02-03, `def5678` |" in rows


def test_a_page_without_processors_keeps_one_text(evidence):
    path = evidence.PAGES[0]
    path.write_text(PAGE.replace("<!-- processors -->\n<!-- end -->\n", ""))
    page = fill(evidence, "new figures")
    assert "old figures" not in page and "new figures" in page


def test_a_text_without_a_place(evidence):
    (evidence.KEPT / "unknown.md").write_text(kept("figures"))
    with pytest.raises(SystemExit, match="has a place for unknown"):
        evidence.fill()
