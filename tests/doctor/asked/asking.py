# SPDX-License-Identifier: Apache-2.0
"""What makes the folder of a run that the doctor is asked about: answers.json beside the run."""

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outside import cases, ravine_runs, runs
from outside.answers import SILENT, UNCLEAR
from outside.observe import LogObserver
from outside.train import run

from asked import advice, log
from asked.live import Answer, Live

ROOT = Path(__file__).parents[3]


@functools.cache
def made_of() -> str:
    """A number of everything that answers depend on: the library, the command, the battery."""
    library = Path(os.environ.get("RAVINE_LIBRARY", ROOT / "build/libravine.so"))
    here = Path(__file__).parent
    own = [here / f"{name}.py" for name in ("advice", "asking", "live", "log")]
    files = [library, ravine_runs.PROGRAM, *own]
    files += sorted((ROOT / "python/ravine").rglob("*.py"))
    files += sorted(x for x in (here.parent / "outside").glob("*.py") if x.stem != "answers")
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Job(runs.Job):
    """A run that is done when this library, and not an older one, was asked about it."""

    @property
    def done(self) -> bool:
        """Was it?"""
        answers = self.folder / "answers.json"
        return answers.exists() and json.loads(answers.read_text())["made_of"] == made_of()


def _keep(
    folder: Path,
    summary: dict[str, Any],
    live: Sequence[Answer],
    last: Answer | None,
    followed: dict[str, str] | None = None,
) -> None:
    (folder / "summary.json").write_text(json.dumps(summary))
    answers = {
        "made_of": made_of(),
        "live": [answer.as_dict() for answer in live],
        "log": last.as_dict() if last else None,
        "advice": followed,
    }
    (folder / "answers.json").write_text(json.dumps(answers))


def ask_torch(case: cases.Case, seed: int, folder: Path) -> str:
    """Trains in PyTorch with the doctor beside it, asks the one that has the log alone, obeys."""
    setup, live = case.setup(), Live()
    path = folder / "run.jsonl"
    controls = case.what.judge == "none"
    summary = run(setup, seed, observers=[LogObserver(path), *([] if controls else [live])])
    last, followed = None, None
    if not controls:
        log.as_run_folder(path, log.optimizer_text(setup), folder / "run")
        last = log.ask(folder / "run")
        shutil.rmtree(folder / "run")
        if live.answers[-1].word not in SILENT | {UNCLEAR}:
            followed = advice.follow(case, seed, summary, live.cures, live.lr)
    _keep(folder, summary, live.answers, last, followed)
    return " ".join(answer.word for answer in live.answers[-1:])


def ask_command(case: ravine_runs.Case, seed: int, folder: Path) -> str:
    """Has `ravine train` train, reads what it said, and asks `ravine doctor` about its log."""
    summary = ravine_runs.train(case.task, case.command(), seed, folder)
    live = log.said_live(folder / "run")
    _keep(folder, summary, live, log.ask(folder / "run"))
    for left in ("checkpoints", "report.html", "weights.safetensors"):
        path = folder / "run" / left
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return live[-1].word


def _mixed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def jobs_of(folder: Path, seeds: list[int], pattern: str) -> list[runs.Job]:
    """Every run of the battery whose name fits, in PyTorch and of the command, well mixed."""
    jobs = runs.jobs_of(cases.Case.every(), ask_torch, folder, seeds, pattern)
    jobs += runs.jobs_of(ravine_runs.Case.every(), ask_command, folder, seeds, pattern)
    asked = [Job(job.seed, job.folder, job.case, job.make) for job in jobs]
    return sorted(asked, key=lambda job: (job.seed, _mixed(job.case.name)))
