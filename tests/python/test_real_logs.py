# SPDX-License-Identifier: Apache-2.0
"""Logs that real libraries wrote of trainings whose trouble is known (tests/logs)."""

import math
import sys

import pytest
from conftest import RAVINE, ROOT
from schema import assert_conforms

sys.path.insert(0, str(ROOT / "tests/logs"))
import real

#: A log has no steps: whether they are too short or there is nothing to learn is not in it.
UNKNOWABLE = {"crawling", "flat"}
#: Written of the same numbers, one a step.
OF_ONE_LOOP = {"csv", "jsonl", "tensorboard", "tensorboard_tensor", "wandb", "mlflow",
               "mlflow_files", "trackio"}  # fmt: skip

#: Keras logs the rate once an epoch, and no norm of the gradient.
NOT_BY_KERAS = ("lr_", "gradient")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What is said of each log."""
    real.PROGRAM = RAVINE
    logs = real.unpack(tmp_path_factory.mktemp("real"))
    return {(log.format, log.training): (log, real.ask(log)) for log in logs}


@pytest.mark.parametrize("training", real.CAUSES)
@pytest.mark.parametrize("form", real.FORMATS)
def test_the_trouble_is_named(answers, form, training):
    log, answer = answers[form, training]
    assert_conforms(answer, "doctor")
    word = answer["verdict"]
    if training in UNKNOWABLE:
        assert word == "unclear"
        assert any("steps that are too short" in line for line in answer["cannot_tell"])
    else:
        assert log.grade(word) in ("right", "near"), word


@pytest.mark.parametrize("training", real.CAUSES)
def test_forms_of_one_loop_agree(answers, training):
    """Numbers as text and as float32 differ in their last digits and in nothing else."""
    wanted = answers["csv", training][1]
    for form in OF_ONE_LOOP:
        answer = answers[form, training][1]
        assert answer["log"]["points"] == wanted["log"]["points"] == 400
        assert answer["verdict"] == wanted["verdict"]
        for name, value in wanted["evidence"].items():
            if form == "tensorboard_tensor" and name.startswith(NOT_BY_KERAS):
                continue
            assert math.isclose(answer["evidence"][name], value, rel_tol=1e-3, abs_tol=1e-6), name


def test_a_store_lists_its_runs(answers, tmp_path):
    log = answers["mlflow", "healthy"][0]
    with pytest.raises(RuntimeError, match="6 runs in it; choose one with --run: healthy"):
        real.ask(real.Log("mlflow", "healthy", log.path, None))
