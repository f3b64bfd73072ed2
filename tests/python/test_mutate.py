# SPDX-License-Identifier: Apache-2.0
"""The list of changes that make the same program, tools/mutate-same.txt, is of this source."""

import subprocess
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from conftest import ROOT

MUTATE = ROOT / "tools/mutate"


def load():
    """The program as a module."""
    loader = SourceFileLoader("mutate", str(MUTATE))
    module = module_from_spec(spec_from_loader("mutate", loader))
    loader.exec_module(module)
    return module


def test_every_row_is_a_change_of_this_source():
    done = subprocess.run([MUTATE, "--same"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_row_of_another_source_is_told(monkeypatch, capsys):
    mutate = load()
    row = "lib/store/json.c: return is_gone[1 -> 2];"
    known = mutate.known_to_be_the_same() | {row}
    monkeypatch.setattr(mutate, "known_to_be_the_same", lambda: known)
    assert mutate.check_same() == 1
    assert capsys.readouterr().out.splitlines() == [
        f"tools/mutate-same.txt: no line of the source is like this: {row}"
    ]
