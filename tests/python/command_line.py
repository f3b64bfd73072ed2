# SPDX-License-Identifier: Apache-2.0
"""The command, run as a person runs it, without the settings of this machine's environment."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
RAVINE = (ROOT / os.environ.get("RAVINE_BUILD", "build") / "ravine").resolve()
OK, NO, USAGE, INPUT, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def environment(**more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RAVINE_") and k != "NO_COLOR"}
    return {**clean, **more}


def ravine(*args, cwd=None, env=None, stdin=subprocess.DEVNULL, timeout=60):
    return subprocess.run(
        [RAVINE, *map(str, args)],
        cwd=cwd,
        env=environment(**(env or {})),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def fails(code, *parts, args, cwd=None, env=None):
    """The command ends with `code`, an empty stdout and one line on stderr that holds the parts."""
    done = ravine(*args, cwd=cwd, env=env)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("ravine: ") and done.stderr.count("\n") == 1, done.stderr
    for part in parts:
        assert part in done.stderr
    return done
