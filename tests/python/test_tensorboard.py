# SPDX-License-Identifier: Apache-2.0
"""TensorBoard itself reads the event file of a run, and sees what run.jsonl says."""

import json
import struct
from datetime import datetime

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

STEPS = 2 * 12


def float32(number):
    return struct.unpack("f", struct.pack("f", number))[0]


def logged_steps(run_folder):
    lines = map(json.loads, (run_folder / "run.jsonl").read_text().splitlines())
    return [line for line in lines if "type" not in line]


def test_every_record_is_whole(run_folder):
    (path,) = run_folder.glob("events.out.tfevents.*")
    events = list(EventFileLoader(str(path)).Load())
    assert events[0].file_version == "brain.Event:2"
    header = json.loads((run_folder / "run.jsonl").read_text().splitlines()[0])
    started = datetime.fromisoformat(header["started"]).timestamp()
    assert abs(events[0].wall_time - started) < 60
    assert [e.wall_time for e in events] == sorted(e.wall_time for e in events)
    # The loader stops silently at a damaged record: start, steps and epochs must be there.
    assert len(events) == 1 + 1 + STEPS + 2


@pytest.mark.parametrize("key", ["loss", "lr", "grad_norm", "update_norm", "param_norm"])
def test_scalars_are_those_of_the_log(run_folder, key):
    seen = EventAccumulator(str(run_folder), {"scalars": 0})
    seen.Reload()
    scalars = seen.Scalars(f"train/{key}")
    logged = logged_steps(run_folder)
    assert len(logged) == STEPS
    assert [(s.step, s.value) for s in scalars] == [(o["step"], float32(o[key])) for o in logged]


def test_results_of_the_epochs(run_folder):
    seen = EventAccumulator(str(run_folder), {"scalars": 0})
    seen.Reload()
    assert [s.step for s in seen.Scalars("validation/loss")] == [0, STEPS // 2, STEPS]
