# SPDX-License-Identifier: Apache-2.0
"""The outside battery: the same bits whoever looks on, runs that go on, causes that take."""

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
from conftest import RAVINE, ROOT

sys.path.insert(0, str(ROOT / "tests/doctor"))
from outside import cases, ravine_runs, runs, torch_runs, train, truth
from outside.answers import ANSWERS, SILENT, UNCLEAR
from outside.causes import BROKEN, HEALTHY
from outside.observe import LogObserver, Nobody
from outside.rules import CLASSES, with_torch
from ravine import _api
from ravine._library import lib

WORDS = {lib.ravine_verdict_word(k).decode() for k in range(_api.RAVINE_VERDICT_COUNT)}
MAKE = {cases: torch_runs.make, ravine_runs: ravine_runs.make}
TINY = [
    "usual-image_dense-adam",
    "rate_too_high-1000-table_classes-sgd",
    "never_zeroed-table_energy-sgd",
    "nan_example-table_energy-adam",
    "other_parameters-table_energy-adam",
    "accumulation-4-table_energy-adam",
]


def named(name):
    return next(case for case in cases.Case.every() if case.name == name)


def jobs_of(kind, folder, seeds, names):
    return runs.jobs_of(kind.Case.every(), MAKE[kind], folder, seeds, names)


def tiny(name):
    setup = named(name).setup()
    setup.steps = 48
    return setup


class Meddler(Nobody):
    """Draws from PyTorch's generator at every call, and counts what it is told."""

    def __init__(self):
        self.told = []

    def begin(self, net, optimizer, facts):
        self.facts = facts
        torch.rand(3)

    def before_step(self, step):
        self.told.append(("before", step))
        torch.rand(3)

    def step(self, step, loss, indices):
        self.told.append(("after", step))
        assert len(indices) == self.facts.batch_size * self.facts.accumulate
        assert 0 <= int(indices.min()) and int(indices.max()) < self.facts.train_size
        torch.rand(3)

    def validation(self, step, loss):
        self.told.append(("validation", step))


@pytest.mark.parametrize("name", TINY)
def test_the_same_bits_whoever_looks_on(name, tmp_path):
    log = tmp_path / "run.jsonl"
    meddler = Meddler()
    records = [
        train.run(tiny(name), 2, observers=observers)
        for observers in ([], [LogObserver(log)], [meddler])
    ]
    for record in records:
        del record["seconds"]
    assert records[0] == records[1] == records[2]
    head, *lines = map(json.loads, log.read_text().splitlines())
    assert head["facts"]["steps"] == 48
    steps = records[0]["steps"]
    assert [line["step"] for line in lines] == list(range(1, steps + 1))
    assert [k for what, k in meddler.told if what == "after"] == list(range(1, steps + 1))
    assert sum("val_loss" in line for line in lines) == len(records[0]["looks"]) - 1
    assert set(lines[15]["parameters"]) == set(head["sizes"])


def test_dropout_is_the_same_whoever_looks_on():
    digests = set()
    for observers in ([], [Meddler(), Nobody()]):
        digests.add(
            train.run(tiny("dropout_usual-0.2-image_dense-adam"), 1, observers=observers)[
                "parameters"
            ]
        )
    assert len(digests) == 1


def test_seeds_differ_and_other_optimizers_fit():
    setup = "usual-image_dense-adam"
    one, two = (train.run(tiny(setup), seed)["parameters"] for seed in (1, 2))
    assert one != two
    assert train.run(tiny(setup), 1, with_torch)["loss_end"] > 0


def test_runs_go_on_and_the_truth_is_found(tmp_path, capsys):
    """The second call makes only what is not there; a folder that was left half-made is no run."""
    jobs = [
        job
        for name in ("nan_example-table_energy-sgd", "usual*-table_energy-sgd")
        for job in jobs_of(cases, tmp_path, [1], name)
    ]
    runs.carry_out(jobs[:1], 1)
    (tmp_path / "usual-table_energy-sgd").mkdir()
    (tmp_path / "usual-table_energy-sgd/.1.77").mkdir()
    assert [job.done for job in jobs] == [True, False, False]
    stamp = (jobs[0].folder / "summary.json").stat().st_mtime_ns
    runs.carry_out(jobs, 1)
    assert (jobs[0].folder / "summary.json").stat().st_mtime_ns == stamp
    assert "1 of them there already" in capsys.readouterr().err
    truth.report(tmp_path)
    found = {line["case"]: line for line in map(json.loads, (tmp_path / "truth.jsonl").open())}
    assert found["nan_example-table_energy-sgd"]["judged"]
    assert found["nan_example-table_energy-sgd"]["first_nonfinite"]
    assert found["usual-table_energy-sgd"]["judged"]
    assert found["usual-table_energy-sgd"]["first_nonfinite"] is None


def test_a_run_of_the_command_has_its_truth(tmp_path):
    (job,) = jobs_of(ravine_runs, tmp_path, [1], "train-rate_zero-energy-adamw")
    runs.carry_out([job], 1)
    assert (job.folder / "run/run.jsonl").exists()
    summary = json.loads((job.folder / "summary.json").read_text())
    assert summary["exit_code"] == 0
    assert summary["looks"][-1]["clean"] == pytest.approx(summary["looks"][1]["clean"])


def record(*clean, fixed=None, **more):
    looks = [{"clean": x, "own": x, "fixed": y} for x, y in zip(clean, fixed or clean, strict=True)]
    end = looks[-1]["own"]
    known = {"first_nonfinite": None, "constant_loss": 1.0, "quarters": [end, end], "loss_end": end}
    return {"looks": looks, "largest": 1.0, "median": 1.0} | known | more


@pytest.mark.parametrize(
    ("judge", "took", "failed"),
    [
        ("level", record(1, 0.5), record(1, 0.15)),
        ("level", record(1, None), record(1, 0.1)),
        ("overfit", record(1, 0.5, 0.9, fixed=[1, 0.4, 0.1]), record(1, 0.5, 0.55)),
        ("overfit", record(1, 0.5, 0.9, fixed=[1, 0.4, 0.1]), record(1, 0.5, 0.9)),
        ("floor", record(1, 0.4), record(1, 0.12)),
        ("floor", record(1, 0.4), record(1, 0.4, quarters=[0.4, 0.8])),
        ("floor", record(1, 0.4), record(1, 0.9)),
        ("learned", record(1, 0.1), record(1, 0.9)),
        ("learned", record(1, 0.1), record(1, 0.4)),
        ("healthy", record(1, 0.3), record(1, 0.8)),
        ("healthy", record(1, 0.3), record(1, 0.1, 0.4)),
        ("still", record(1, moved={"a": 0, "b": 1}, sizes={"a": 5, "b": 4}),
         record(1, moved={"a": 0, "b": 1}, sizes={"a": 4, "b": 5})),
        ("zero", record(0, loss_zero=9, steps=10), record(0, loss_zero=8, steps=10)),
        ("leaps", record(1, 0.1, largest=6.0), record(1, 0.1, largest=4.0)),
        ("leaps", record(1, 0.9), record(1, 0.1)),
        ("jump", record(1, middle=[0.2, 0.9]), record(1, middle=[0.2, 0.3])),
        ("jump", record(1, middle=[0.2, 0.9]), record(1, middle=[1.2, 1.9])),
    ],
)  # fmt: skip
def test_a_judge_says_yes_and_no(judge, took, failed):
    control = record(1, 0.1)
    assert truth.JUDGES[judge](took, control)[0]
    assert not truth.JUDGES[judge](failed, control)[0]


def test_final_seeds_run_together_or_not_at_all():
    assert runs.seeds_of("1,3") == [1, 3]
    for number in ("9001", "1,9002", "4"):
        with pytest.raises(ValueError, match="no development seed"):
            runs.seeds_of(number)
    assert not set(runs.seeds_of("final")) & set(runs.seeds_of("dev"))


def test_parts_are_all_of_it():
    jobs = jobs_of(cases, ROOT / "nowhere", [1, 2], "*")
    parts = [runs.part_of(jobs, f"{k}/7") for k in range(1, 8)]
    assert sorted(job.case.name + str(job.seed) for part in parts for job in part) == sorted(
        job.case.name + str(job.seed) for job in jobs
    )
    with pytest.raises(ValueError, match="from 1/7"):
        runs.part_of(jobs, "8/7")


@pytest.mark.parametrize("every", [cases.Case.every, ravine_runs.Case.every])
def test_every_case_has_a_name_of_its_own_and_a_control(every):
    listed = every()
    names = [case.name for case in listed]
    assert len(names) == len(set(names))
    for case in listed:
        assert case.control() in listed, case.name
        assert not case.control().broken, case.name


def test_the_battery_is_as_wide_as_it_says():
    listed = cases.Case.every()
    assert len(BROKEN) >= 30
    assert len(HEALTHY) >= 12
    assert {case.rule for case in listed} == set(CLASSES)
    few = {"no_warmup", "exploding_time", "loss_of_pairs"}  # where it makes sense
    for cause in set(BROKEN) - few:
        tasks = {case.task for case in listed if case.cause == cause}
        assert len(tasks) >= 5, cause


def test_every_cause_has_its_answers():
    """Written down before the first run, in words that the doctor has."""
    assert set(ANSWERS) == set(BROKEN)
    for cause, answer in ANSWERS.items():
        assert answer.right | answer.near <= WORDS, cause
        assert not answer.right & answer.near, cause
        assert not (answer.right | answer.near) & (SILENT | {UNCLEAR}), cause


def test_it_knows_nothing_of_the_doctor():
    every = (ROOT / "tests/doctor/outside").glob("*.py")
    for path in (path for path in every if path.stem != "answers"):
        text = path.read_text()
        for word in ("watch(", "diagnose", "ravine.Doctor", "verdict"):
            assert word not in text, f"{path.name}: {word}"
    listed = subprocess.run(
        [sys.executable, "-m", "outside", "list", "frozen*"],
        env={"PYTHONPATH": f"{ROOT}/tests/doctor:{ROOT}/python", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "frozen-image_dense-adam" in listed and "rate" not in listed.split("frozen:")[0]
    assert RAVINE.exists()
