"""A small part of the parity programme (tests/parity, `make parity`): the same rules as PyTorch's,
compared number by number with PyTorch's for-loop and with long double."""

import pathlib
import sys

import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from parity.cases import Case, Limits
from parity.judge import judge
from parity.reference import RULES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_near_pytorch_and_nearer_to_long_double(rule, dtype):
    for seed in range(5):
        case = Case(seed, rule, dtype, seed == 0, Limits(steps=60, tensors=6, elements=5000))
        assert judge(case)[2] == []
