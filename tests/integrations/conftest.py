# SPDX-License-Identifier: Apache-2.0
"""Where the tests of the callbacks find things. They run in an environment of their own,
build-frameworks/, which sees PyTorch in .venv: tools/install-dependencies makes it."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("RAVINE_BUILD", "build")).resolve()
os.environ |= {
    "RAVINE_LIBRARY": str(BUILD / "libravine.so"),
    "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), str(ROOT / "tests" / "integrations")]),
    "KERAS_BACKEND": "torch",
    "HF_HUB_OFFLINE": "1",  # nothing is downloaded
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
sys.path[:0] = [str(ROOT / "python")]

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torch.set_num_threads(1)
