# SPDX-License-Identifier: Apache-2.0
"""The doctors of several processes that train one model together speak with one voice."""

import subprocess
from pathlib import Path

import pytest
from test_torch_distributed import RUN, launched

PROGRAM = Path(__file__).with_name("torch_voices.py")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes found."""
    return launched(2, PROGRAM, tmp_path_factory.mktemp("ranks"))


WAYS = ["sharded", "parallel", "hybrid", "zero"]
VERDICTS = {
    "healthy": "healthy",
    "too high": "diverging",
    "too low": "crawling",
    "not finite": "nonfinite",
}


@pytest.mark.parametrize("trouble", VERDICTS)
@pytest.mark.parametrize("way", WAYS)
def test_all_say_what_one_process_says_and_the_first_speaks(ranks, way, trouble):
    first, second = ranks
    one, found = first["one"][trouble], first[way][trouble]
    assert one["verdict"] == found["verdict"] == VERDICTS[trouble]
    assert second[way][trouble]["text"] == found["text"]
    assert found["said"] == one["said"] == ([] if trouble == "healthy" else [VERDICTS[trouble]])
    assert second[way][trouble]["said"] == []


@pytest.mark.parametrize("trouble", VERDICTS)
@pytest.mark.parametrize("way", WAYS)
def test_from_the_same_numbers(ranks, way, trouble):
    """The parts of parameters tell what the whole ones do."""
    one, found = (ranks[0][where][trouble]["evidence"] for where in ("one", way))
    assert found.keys() == one.keys() and (found or trouble == "healthy")
    for name, number in found.items():
        assert number == pytest.approx(one[name], rel=2e-2, abs=1e-6), name


def test_no_bit_of_the_training_changes(ranks):
    """Of shards and copies, with an optimizer of PyTorch's and of ours."""
    for found in ranks:
        assert found["healthy"] == [["healthy", True]] * 4


def test_a_process_that_tells_nothing_is_no_matter(ranks):
    first, second = (found["some tell nothing"] for found in ranks)
    assert first["verdict"] == "healthy" and first["text"] == second["text"]


def test_where_it_fails_in_one_it_ends_in_all(ranks):
    """And the training goes on, as if nobody had watched it."""
    (words, stopped, hooks, same), (words_of_it, stopped_of_it, *rest) = (
        found["one fails"] for found in ranks
    )
    assert words == [] and stopped == "it has stopped in another process"
    assert len(words_of_it) == 1 and "ZeroDivisionError" in words_of_it[0]
    assert "ZeroDivisionError" in stopped_of_it
    assert [hooks, same] == rest == [0, True]


def test_where_it_is_detached_in_one_it_ends_in_all(ranks):
    """And can be called again."""
    first, second = (found["one detaches"] for found in ranks)
    assert first == ["it was detached", 0, "healthy", 40]
    assert second == ["it has stopped in another process", 0, "healthy", 40]


def test_one_process_alone_waits_for_the_others_only_for_a_while(ranks):
    (words, observed), others = (found["one watches"] for found in ranks)
    assert len(words) == 1 and "looks at this process alone: call it in all 2" in words[0]
    assert "1 of 2 did so within 1 seconds" in words[0]
    assert observed == 20
    assert others == [[], 0]


def test_processes_that_make_different_steps(ranks):
    for found in ranks:
        assert "Join" in found["uneven"]


def test_without_the_model_of_distributed_data_parallel(ranks):
    """Each looks for itself, and the first one prints."""
    (verdict, printed), other = (found["without model"] for found in ranks)
    assert verdict == "diverging" and printed > 0
    assert other == ["diverging", 0]


def test_the_example():
    program = Path(__file__).parents[2] / "examples/python/pytorch_processes.py"
    done = subprocess.run([*RUN, "2", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.startswith("2 processes, loss 0.")
    assert done.stdout.endswith("the doctor at the end: healthy\n")
    assert done.stdout.count("\n") == 1


def test_a_probe_of_parts_is_refused(ranks):
    for found in ranks:
        assert found["probe"].startswith("probing needs a copy of the whole model")


def test_what_they_are_told(ranks):
    """The mean of held-out losses counts; the example of the process whose loss is no number."""
    for found in ranks:
        assert found["validation"] == [1.5, 5.0]
        assert found["example"] == 1001
