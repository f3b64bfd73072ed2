# SPDX-License-Identifier: Apache-2.0
"""What is said of the same runs where somebody else's log is all that is left.

python -m asked.foreign [--seeds 1 2 3] [--folder DIR] [--causes]

(make doctor-logs.) Each run that doctor-outside has made becomes a trainer_state.json of its losses
as single steps, as means of 10, and as 20 means of the whole run; with it go the learning rate, the
norm of the gradient and the held-out loss. Prints how many answers were right, near, silent and
wrong as in answers.py, which was written for the live doctor. What a log cannot show should be
UNCLEAR.
"""

import argparse
import json
import math
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from outside import truth
from outside.answers import judge
from outside.ravine_runs import PROGRAM

from asked.score import GRADES

POINTS = (1, 10, 0)  # steps of a mean; 0: as many as make 20 points
# Of a cause, and whether it is a trouble: how many answers were right, near, ...
Counts = dict[tuple[bool, str], Counter[str]]


def number(value: float | None) -> float:
    """Of a line of LogObserver, where what is not finite is null."""
    return math.nan if value is None else value


def as_state(log: Path, every: int) -> dict[str, Any]:
    """The log of LogObserver as trainer_state.json has it; `every` 0: 20 points."""
    head, *lines = map(json.loads, log.read_text().splitlines())
    steps = [line for line in lines if "loss" in line]
    every = every or max(1, len(steps) // 20)
    history = []
    for first in range(0, len(steps) - every + 1, every):
        some = steps[first : first + every]
        last = some[-1]
        entry = {"step": last["step"], "learning_rate": last["lr"]}
        entry |= {"loss": sum(number(line["loss"]) for line in some) / every}
        history.append(entry | {"grad_norm": number(last["grad_norm"])})
    history += [
        {"step": line["step"], "eval_loss": line["val_loss"]}
        for line in lines
        if line.get("val_loss") is not None
    ]
    return {"log_history": history, "logging_steps": every, "max_steps": head["facts"]["steps"]}


def ask(state: dict[str, Any]) -> str:
    """The word of the verdict.

    Raises:
        RuntimeError: it says nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trainer_state.json"
        path.write_text(json.dumps(state))
        call = [PROGRAM, "doctor", "--json", path]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(f"exit code {done.returncode}, {done.stderr}")
    return json.loads(done.stdout)["verdict"]


def row(name: str, count: Counter[str]) -> str:
    """A line of the table of grades."""
    graded = [count[grade] or "" for grade in GRADES[:-1]]
    wrong = count["wrong"] + count["alarm"]
    return f"| {' | '.join(map(str, [name, count.total(), *graded, wrong or '']))} |"


def by_runs(counts: Counts, each: bool) -> list[str]:
    """Healthy and broken runs; `each`: and every cause."""
    lines = ["| runs | n | right | near | silent | unclear | wrong |", "|--|--|--|--|--|--|--|"]
    for broken, kind in ((False, "healthy"), (True, "broken")):
        mine = {cause: count for (is_so, cause), count in counts.items() if is_so is broken}
        lines.append(row(f"**{kind}**", sum(mine.values(), Counter())))
        lines += [row(cause, count) for cause, count in mine.items() if each]
    return lines


def by_words(words: dict[str, Counter[str]]) -> list[str]:
    """How often each verdict was right."""
    lines = ["| verdict | said | right | near | of a broken run | wrong |", "|--|--|--|--|--|--|"]
    for word, count in sorted(words.items()):
        wrong = count["wrong"] + count["alarm"]
        cells = [word, count.total(), count["right"], count["near"], count["silent"], wrong]
        lines.append(f"| {' | '.join(str(cell or '') for cell in cells)} |")
    return lines


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="asked.foreign", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--folder", type=Path, default=Path("build/doctor-outside/runs"))
    parser.add_argument("--causes", action="store_true", help="a row for each")
    arguments = parser.parse_args()
    counts: Counts = {}
    words: dict[str, Counter[str]] = {}
    for run in truth.collect(arguments.folder):
        log = arguments.folder / run["case"] / str(run["seed"]) / "run.jsonl"
        ours = run["case"].startswith("train-")  # whose log is no foreign one
        if not run["judged"] or run["seed"] not in arguments.seeds or ours:
            continue
        count = counts.setdefault((run["broken"], run["cause"]), Counter())
        for every in POINTS:
            word = ask(as_state(log, every))
            grade = judge(run["cause"], run["broken"], word)
            count[grade] += 1
            words.setdefault(word, Counter())[grade] += 1
    print("\n".join([*by_runs(counts, arguments.causes), "", *by_words(words)]))


if __name__ == "__main__":
    main()
