# SPDX-License-Identifier: Apache-2.0
"""ravine.torch in several processes that share the work: two, over gloo, on this machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
if not torch.distributed.is_available():
    pytest.skip("this PyTorch has no torch.distributed", allow_module_level=True)

PROGRAM = Path(__file__).with_name("torch_ranks.py")
SECONDS = 120


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of the two processes found."""
    store = tmp_path_factory.mktemp("store") / "store"
    processes = [
        subprocess.Popen(
            [sys.executable, PROGRAM, str(rank), store],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        ended = [process.communicate(timeout=SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert all(out for out, _ in ended), [err[-2000:] for _, err in ended]
    return [json.loads(out.splitlines()[-1]) for out, _ in ended]


def assert_trained(found, plain):
    flat = [torch.tensor(p).flatten() for p in found]
    expected = [torch.tensor(p).flatten() for p in plain]
    torch.testing.assert_close(torch.cat(flat), torch.cat(expected), rtol=1e-4, atol=1e-5)


def test_clipping_where_every_process_has_everything(ranks):
    for found in ranks:
        assert_trained(found["data parallel"], found["plain"])


def test_zero_redundancy_optimizer(ranks):
    """Clipping a part by its own norm is refused; what the message says to call is right."""
    for found in ranks:
        (*words, unclipped), trained = found["zero"]
        assert unclipped is None
        for text in words:
            assert "clip_norm" in text and "ZeroRedundancyOptimizer" in text
            assert "torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)" in text
        assert_trained(trained, found["plain"])


@pytest.mark.parametrize("kind", ["sharded", "flat"])
def test_fully_sharded_data_parallel(ranks, kind):
    for found in ranks:
        words, trained = found[kind]
        for text in words:
            assert "clip_norm" in text and "parameter 0 of group 0" in text
            assert "model.clip_grad_norm_(0.05)" in text
        assert_trained(trained, found["plain"])


def test_dtensors_are_refused(ranks):
    for found in ranks:
        bare, named = found["dtensors"]
        assert "parameter 0 of group 0 is a DTensor without memory of its own" in bare
        assert "parameter 0 of group 0 (0.weight) is a DTensor" in named
