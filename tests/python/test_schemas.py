# SPDX-License-Identifier: Apache-2.0
"""Every command that has --json has a published schema, and prints what it says."""

import json
import re

import pytest
from command_line import ROOT, ravine
from schema import SCHEMAS, assert_conforms, conforms, read_schema, refer

ENERGY = ROOT / "examples/table_energy.yaml"
SURFACE = ["--surface", "crescent", "--optimizer", "adam lr=0.1", "--steps", 20]
RUN, CHECKPOINT, CONVERTED = "the folder of a run", "its newest checkpoint", "a new file"
LOG = "a log of another program"
# A command -> calls that print one of each form of its schema.
CALLS = {
    "train": [
        [ENERGY, "--set=epochs=1", "-q"],
        [ENERGY, "--set=epochs=1", "-q", "--folds=2"],
        ["--print-config"],
        ["--keys"],
    ],
    "sweep": [[ENERGY, "--set=epochs=1", "--vary=lr=1e-3,1e-2", "-q"]],
    "schedule": [["warmup(10) cosine(90) lr=1"], ["decay(gamma=0.9) lr=1", "--steps", 20]],
    "race": [SURFACE, [*SURFACE[:2], "-p", "sgd lr=1", "-p", "lion", "-n", 30], ["--surfaces"]],
    "optimizers": [[], ["adan"]],
    "find-lr": [[ENERGY, "--steps", 20, "--warmup", 1]],
    "report": [[RUN], [RUN, RUN]],
    "doctor": [[RUN], SURFACE, [LOG]],
    "predict": [[RUN, ROOT / "examples/data/energy.csv"]],
    "evaluate": [],  # test_predict.py holds both its forms to the schema
    "checkpoint": [
        ["inspect", CHECKPOINT],
        ["verify", CHECKPOINT],
        ["diff", CHECKPOINT, CHECKPOINT],
        ["convert", CHECKPOINT, CONVERTED],
    ],
    "bench": [["--sizes=1e3", "--threads=1", "--rounds=1", "--rules=sgd"]],
    "lecture": [],  # takes long: test_lecture.py holds it to its schema
}


def file_of(command):
    return command.replace("-", "_")


def test_every_command_with_json_has_a_schema():
    listed = re.findall(r"^  ([a-z-]+)  +\S", ravine("help").stdout.split("Options:")[0], re.M)
    with_json = {name for name in listed if "--json" in ravine("help", name).stdout}
    assert with_json == set(CALLS)
    files = {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")}
    assert files == {file_of(command) for command in with_json}
    page = (SCHEMAS / "README.md").read_text()
    assert set(re.findall(r"\]\((\w+)\.schema\.json\)", page)) == files


@pytest.mark.parametrize("command", [command for command in CALLS if CALLS[command]])
def test_json_is_what_the_schema_says(command, run_folder, tmp_path):
    root = read_schema(file_of(command))
    unmet = list(root.get("oneOf", []))
    newest = max(run_folder.rglob("step-*.safetensors"))
    for call in CALLS[command]:
        (tmp_path / "log.csv").write_text("step,loss\n1,3\n2,2\n3,1\n")
        paths = {RUN: run_folder, CHECKPOINT: newest, CONVERTED: tmp_path / "new.safetensors"}
        paths |= {LOG: tmp_path / "log.csv"}
        words = [paths.get(word, word) for word in call]
        where = (
            {"cwd": ROOT}
            if command not in ("train", "sweep")
            else {"cwd": ROOT, "env": {"RAVINE_RUNS_DIR": str(tmp_path)}}
        )
        done = ravine(command, *words, "--json", **where)
        printed = json.loads(done.stdout)
        assert_conforms(printed, file_of(command))
        unmet = [form for form in unmet if not conforms(printed, *refer(form["$ref"], root))]
    assert not unmet, "no call prints these forms"


@pytest.mark.parametrize(
    "value, fits",
    [({"a": 1, "b": None}, True), ({"a": True}, False), ({"a": 1, "c": 1}, False), ({}, False)],
)
def test_the_check_can_fail(value, fits):
    form = {"type": "object", "required": ["a"], "additionalProperties": False}
    form["properties"] = {"a": {"type": "integer"}, "b": {"oneOf": [{"type": "null"}]}}
    assert conforms(value, form, form) == fits
