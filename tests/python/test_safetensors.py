# SPDX-License-Identifier: Apache-2.0
"""The safetensors package reads the weights of a run, and they are the network that was trained."""

import json

import numpy
from safetensors import safe_open
from safetensors.numpy import load_file


def read_weights(run_folder):
    return load_file(run_folder / "weights.safetensors")


def test_shapes_and_norm_are_those_of_the_run(run_folder):
    weights = read_weights(run_folder)
    assert all(w.dtype == numpy.float32 and numpy.isfinite(w).all() for w in weights.values())
    # 12 features (three columns of three categories, three of numbers), 16 units, one target.
    assert sorted(w.size for w in weights.values()) == [1, 16, 16, 12 * 16]
    lines = list(map(json.loads, (run_folder / "run.jsonl").read_text().splitlines()))
    last = [line for line in lines if "type" not in line][-1]
    norm = numpy.sqrt(sum((w.astype(float) ** 2).sum() for w in weights.values()))
    assert abs(norm / last["param_norm"] - 1) < 1e-6


def test_metadata(run_folder):
    with safe_open(run_folder / "weights.safetensors", "numpy") as file:
        metadata = file.metadata()
    assert metadata["format"] == "pt"
    assert metadata["ravine"]


def test_data_are_aligned_for_mapping(run_folder):
    head = (run_folder / "weights.safetensors").read_bytes()[:8]
    assert int.from_bytes(head, "little") % 8 == 0
