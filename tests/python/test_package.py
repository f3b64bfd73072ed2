# SPDX-License-Identifier: Apache-2.0
"""The package and the library agree: layouts, constants, prototypes, errors; the command runs."""

import ctypes
import dataclasses
import inspect
import math
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ravine
from ravine import _api, _library

ROOT = Path(__file__).resolve().parents[2]
STRUCTURES = [c for _, c in inspect.getmembers(_api, inspect.isclass) if hasattr(c, "_fields_")]
CONSTANTS = [n for n in vars(_api) if n.startswith("RAVINE_") and n != "RAVINE_FOREVER"]


def test_the_api_is_that_of_the_headers():
    program = ROOT / "tools" / "python_api.py"
    subprocess.run([sys.executable, program, "--check"], check=True)


def test_layouts_and_constants(tmp_path):
    """Sizes and offsets, and values, as the C compiler has them."""
    lines = [f'printf("%zu\\n", sizeof({c.__name__}));' for c in STRUCTURES]
    python = [ctypes.sizeof(c) for c in STRUCTURES]
    for c in STRUCTURES:
        for name, *_ in c._fields_:
            what = f"{c.__name__}, {name}"
            lines.append(f'printf("%zu\\n", offsetof({what}));')
            lines.append(f'printf("%zu\\n", sizeof((({c.__name__} *)0)->{name}));')
            python += [getattr(c, name).offset, getattr(c, name).size]
    for name in CONSTANTS:
        value = getattr(_api, name)
        text = isinstance(value, str)
        lines.append(
            f'printf("%{"s" if text else "lld"}\\n", {"" if text else "(long long)"}{name});'
        )
        python.append(value)
    headers = sorted(path.name for path in (ROOT / "include").glob("ravine*.h"))
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <stdio.h>\n"
        + "".join(f'#include "{name}"\n' for name in headers)
        + "int main(void) {\n"
        + "\n".join(lines)
        + "\n}\n"
    )
    program = tmp_path / "layout"
    subprocess.run(["cc", f"-I{ROOT / 'include'}", source, "-o", program], check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == [str(value) for value in python]
    assert len(STRUCTURES) > 10 and len(CONSTANTS) > 50


def members(structure):
    """What a structure tells; size and reserve are between the library and _library.py."""
    return {name for name, *_ in structure._fields_} - {"size", "reserved"}


def test_records_have_what_the_structures_have():
    """Made by the same program: what the library learns to tell, Python tells."""
    named = {f.name for f in dataclasses.fields(ravine.StepStats)}
    assert named == members(_api.ravine_step_stats) | {"status"}
    assert {f.name for f in dataclasses.fields(ravine.Cure)} == members(_api.ravine_cure)
    assert {"tried", "loss_ratio"} <= members(_api.ravine_cure)
    for record in (ravine.StepStats, ravine.Cure):
        assert set(record.__annotations__) and record.__doc__


def test_a_diagnosis_has_what_the_structure_has():
    """Lists have no counts in Python; the rest is there by the same name, or by these."""
    other = {"cure": "cures", "cure_loss": "cure_losses", "not_text": "what_not"}
    counts = {name for name in members(_api.ravine_diagnosis) if re.fullmatch("n[a-z_]+s?", name)}
    counts -= {"not_text"}
    assert counts == {"nevidence", "ncures", "nalso", "ncannot_tell"}
    expected = {other.get(name, name) for name in members(_api.ravine_diagnosis) - counts}
    assert {f.name for f in dataclasses.fields(ravine.Diagnosis)} == expected | {
        "facts",
        "meaning",
        "reasons",
        "severity",
        "sentence",
        "sentence_zh",
        "text",
        "tried_steps",
    }


def test_a_report_tells_every_number():
    w = np.linspace(-1, 1, 5000)
    optimizer = ravine.Optimizer("adam lr=1e-3", {"w": w}, statistics=True)
    for _ in range(3):
        stats = optimizer.step({"w": w.copy()}, stats=True)
    plain = _library.made(_api.ravine_step_stats)
    _library.lib.ravine_param_stats(optimizer._o, 0, plain)
    told = optimizer.param_stats("w")
    for name in members(_api.ravine_step_stats):
        expected = getattr(plain, name)
        assert getattr(told, name) == expected or math.isnan(expected), name
    assert stats.step == 3 and stats.status is ravine.Status.DONE
    assert stats.grad_dot_update < 0 and 0 <= stats.sign_change_rate <= 1 and stats.update_max > 0
    unwatched = ravine.Optimizer("adam", {"w": w}).step({"w": w.copy()}, stats=True)
    assert math.isnan(unwatched.sign_change_rate) and unwatched.grad_dot_update < 0


def test_every_function_is_there():
    missing = [name for name in _api.PROTOTYPES if not hasattr(_library.lib._loaded, name)]
    assert not missing


def test_every_function_of_the_headers_has_a_prototype():
    text = "".join(path.read_text() for path in (ROOT / "include").glob("ravine*.h"))
    declared = set(re.findall(r"^RAVINE_API [^;]*?\b(ravine_\w+)\(", text, re.MULTILINE))
    assert declared == set(_api.PROTOTYPES)


def test_every_failure_has_its_class():
    failures = {v for n, v in vars(_api).items() if n.startswith("RAVINE_E_")}
    assert failures == set(_library.ERRORS)
    for error in _library.ERRORS.values():
        assert issubclass(error, ravine.Error) and len(error.__mro__) > 4


@pytest.mark.parametrize(
    "call, error, also, words",
    [
        (lambda: ravine.Schedule("cosin(3)"), ravine.FormatError, ValueError, "column 1"),
        (lambda: ravine.Schedule(float("nan")), ravine.RangeError, ValueError, "nan"),
        (lambda: ravine.Optimizer("adam beta2=2"), ravine.RangeError, ValueError, r"\[0, 1\)"),
        (lambda: ravine.Optimizer("addam"), ravine.ArgumentError, ValueError, "adam"),
        (lambda: ravine.Optimizer(isa="z80"), ravine.UnsupportedError, NotImplementedError, "z80"),
    ],
)
def test_errors_say_why(call, error, also, words):
    with pytest.raises(error, match=words) as raised:
        call()
    assert isinstance(raised.value, also) and isinstance(raised.value, ravine.Error)


def test_schedules_are_values():
    schedule = ravine.Schedule("linear(4, from=1, to=3)")
    assert [schedule(step) for step in (-1, 0, 1, 2, 4, 99)] == [1, 1, 1.5, 2, 3, 3]
    assert ravine.Schedule(str(schedule)) == schedule == pickle.loads(pickle.dumps(schedule))
    assert hash(schedule) == hash(ravine.Schedule(str(schedule)))
    assert schedule != ravine.Schedule(1.0) and ravine.Schedule(0.5)(10**12) == 0.5
    assert eval(repr(schedule), {"Schedule": ravine.Schedule}) == schedule
    assert schedule.facts == (1, 3, 4, 4)
    assert ravine.Schedule("decay(gamma=0.5) lr=1").facts.total is None


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "ravine", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_the_command():
    version = run("--version")
    assert version.returncode == 0 and version.stdout.startswith(f"ravine {ravine.__version__}\n")
    wrong = run("trian")
    assert wrong.returncode == 2 and "train" in wrong.stderr


def test_a_package_without_the_command():
    missing = run("--version", RAVINE_COMMAND="/nonexistent/ravine")
    assert missing.returncode == 1 and "/nonexistent/ravine is missing" in missing.stderr


def test_a_package_without_the_library():
    environment = os.environ | {"RAVINE_LIBRARY": "/nonexistent/libravine.so"}
    command = [sys.executable, "-c", "import ravine"]
    failed = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "ImportError: /nonexistent/libravine.so is missing" in failed.stderr
