# SPDX-License-Identifier: Apache-2.0
"""The library without threads and without files: wants neither, and steps to the same bits."""

import subprocess

from conftest import ROOT


def test_without_threads_and_files(tmp_path):
    options = ["THREADS", "FILES", "COMMAND", "TESTS"]
    configure = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path]
    configure += [f"-DRAVINE_{option}=OFF" for option in options]
    subprocess.run(configure, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path], check=True, capture_output=True)
    archive = tmp_path / "libravine.a"
    names = subprocess.run(["nm", archive], check=True, capture_output=True, text=True).stdout
    for part in ("pthread_", "open", "fsync", "ravine_save"):
        assert f" U {part}" not in names and f" T {part}" not in names, part
    program = tmp_path / "same_bits"
    sources = [ROOT / "tests/lib/same_bits.c", archive, "-lm", "-o", program]
    include = [f"-I{ROOT / part}" for part in ("include", "common")]
    subprocess.run(["cc", "-D_GNU_SOURCE", *include, *sources], check=True)
    assert subprocess.run([program], capture_output=True).returncode == 0
