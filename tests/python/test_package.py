"""The package and the library agree: layouts, constants, prototypes, errors; the command runs."""

import ctypes
import inspect
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

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
        lines.append(f'printf("%lld\\n", (long long){name});')
        python.append(getattr(_api, name))
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
    assert [int(line) for line in printed.split()] == python
    assert len(STRUCTURES) > 10 and len(CONSTANTS) > 50


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
    assert (version.returncode, version.stdout) == (0, f"ravine {ravine.__version__}\n")
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
