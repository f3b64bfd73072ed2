# SPDX-License-Identifier: Apache-2.0
"""A small part of the parity programme (tests/parity, `make parity`): the same rules as PyTorch's,
compared number by number with PyTorch's for-loop and with long double."""

import pathlib
import sys

import numpy as np
import pytest
from safetensors import safe_open

pytest.importorskip("torch")
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from parity.cases import Case, Limits
from parity.golden import golden
from parity.judge import judge
from parity.reference import RULES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_near_pytorch_and_nearer_to_long_double(rule, dtype):
    for seed in range(5):
        case = Case(seed, rule, dtype, seed == 0, Limits(steps=60, tensors=6, elements=5000))
        assert judge(case)[2] == []


def test_golden_file_is_what_pytorch_computes_today():
    """`make golden` makes it again. PyTorch's last bits differ from processor to processor."""
    tensors, texts = golden()
    with safe_open(TESTS / "data/torch_golden.safetensors", "numpy") as file:
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        known = file.metadata()
    del texts["torch"], known["torch"]
    assert known == texts
    assert kept.keys() == tensors.keys()
    for name, now in tensors.items():
        unit = np.spacing(np.max(np.abs(now)))
        assert np.max(np.abs(now - kept[name])) <= 32 * unit, name
