# SPDX-License-Identifier: Apache-2.0
"""ravine.torch in several processes that share the work: two and four, over gloo, here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
if not torch.distributed.is_available():
    pytest.skip("this PyTorch has no torch.distributed", allow_module_level=True)

PROGRAM = Path(__file__).with_name("torch_ranks.py")
SECONDS = 300
RUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def launched(count, program, folder):
    """What each of so many processes found."""
    done = subprocess.run(
        [*RUN, str(count), program, folder], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads((folder / f"{count}-{rank}.json").read_text()) for rank in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def two(folder):
    return launched(2, PROGRAM, folder)


@pytest.fixture(scope="module")
def four(two, folder):
    """They read what the two have written."""
    return launched(4, PROGRAM, folder)


@pytest.fixture(params=["two", "four"])
def ranks(request):
    return request.getfixturevalue(request.param)


def assert_same(found, expected, tolerance=2e-6):
    """Sums over processes are made in another order than over a batch, and no more."""
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=tolerance)


# ---- every process has everything


@pytest.mark.parametrize("way", ["data parallel", "in buckets"])
def test_clipping_where_every_process_has_everything(ranks, way):
    for found in ranks:
        assert_same(found[way], found["plain"])


@pytest.mark.parametrize("way", ["data parallel checkpoint", "zero goes on"])
def test_what_was_saved_goes_on_to_the_same_bits(ranks, way):
    for found in ranks:
        ended, loaded = found[way]
        assert loaded == ended


# ---- a part of the parameters


@pytest.mark.parametrize("way", ["zero", "zero in buckets"])
def test_zero_redundancy_optimizer(ranks, way):
    """Clipping a part by its own norm is refused; what the message says to call is right."""
    for found in ranks:
        words, skips, unrefused, trained = found[way]
        assert unrefused is None
        assert len(words) == 5
        for text in words:
            assert "clip_norm=0.05" in text and "ZeroRedundancyOptimizer" in text
            assert "torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)" in text
        assert "nonfinite='skip'" in skips and "ZeroRedundancyOptimizer" in skips
        assert_same(trained, found["plain"])


@pytest.mark.parametrize("way", ["original parts", "flat parts"])
def test_fully_sharded_data_parallel(ranks, way):
    for found in ranks:
        words, whole, trained = found[way]
        for text in words:
            assert "clip_norm=0.05" in text and "parameter 0 of group 0" in text
            assert "model.clip_grad_norm_(0.05)" in text
        assert "parameter 0 of group 0 is spread over several processes" in whole
        assert_same(trained, found["plain"])


# ---- DTensors


def test_fully_shard(ranks):
    for found in ranks:
        words, skips, whole, trained = found["fully sharded"]
        bare, named = words[1], words[0]
        for text in words:
            assert "clip_norm=0.05" in text
            assert "torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)" in text
        assert "parameter 0 of group 0 is a DTensor" in bare
        assert "parameter 0 of group 0 (0.weight) is a DTensor" in named
        assert "nonfinite='skip'" in skips
        assert all("parameter 0 of group 0 is spread over several" in text for text in whole)
        assert_same(trained, found["plain"])


def test_copies_of_shards(ranks):
    for found in ranks:
        assert_same(found["hybrid"], found["plain"])


def test_mixed_precision(ranks):
    for found in ranks:
        theirs, ours = found["mixed precision"]
        assert_same(ours, theirs)
        assert max(abs(a - b) for a, b in zip(ours, found["plain"], strict=True)) > 1e-5


def test_dtensors_spread_in_every_way(ranks):
    for found in ranks:
        theirs, ours, left, unsummed = found["by hand"]
        for mine, other in zip(ours, theirs, strict=True):
            assert_same(mine, other)
        assert left == 0
        assert "still to be summed" in unsummed and "parameter 0 of group 0" in unsummed


def test_the_state_of_one_process_goes_on_in_parts(ranks):
    for found in ranks:
        theirs, ours, words = found["state of one process"]
        assert_same(ours, theirs)
        assert "exp_avg of parameter 0 of group 0 is a DTensor" in words
        assert "full_tensor()" in words


def test_a_checkpoint_of_two_processes_goes_on_in_four(two, four):
    for found in two + four:
        assert_same(found["checkpoint"], two[0]["checkpoint"])
        assert found["checkpoint"] != found["plain"]


def test_and_in_one_with_an_optimizer_of_pytorch(two, folder):
    from torch_ranks import load, network, train

    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.5)
    load(model, optimizer, folder / "checkpoint")
    assert_same(train(model, optimizer, range(3, 5), share=(0, 1)), two[0]["checkpoint"])
