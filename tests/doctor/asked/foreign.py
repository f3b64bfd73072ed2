# SPDX-License-Identifier: Apache-2.0
"""What is said of the same runs where somebody else's log is all that is left.

python -m asked.foreign [--seeds 1 2 3] [--folder DIR]

(make doctor-logs.) Each run that doctor-outside has made becomes a trainer_state.json of its losses
as single steps, as means of 10, and as 20 means of the whole run; with it go the learning rate, the
norm of the gradient and the held-out loss. Prints a table by cause: right, near, silent and wrong
as in answers.py, which was written for the live doctor. What a log cannot show should be UNCLEAR.
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

POINTS = {"single steps": 1, "means of 10": 10, "20 means": 0}


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


def table(counts: dict[tuple[bool, str], Counter[str]]) -> list[str]:
    """A row a cause, and one for all broken and all healthy runs."""
    lines = ["| cause | n | right | near | silent | unclear | wrong |", "|--|--|--|--|--|--|--|"]
    for broken, kind in ((False, "healthy"), (True, "broken")):
        rows = [(cause, count) for (is_so, cause), count in counts.items() if is_so is broken]
        rows.append((f"**{kind}**", sum((count for _, count in rows), Counter())))
        for cause, count in rows:
            graded = [count[grade] or "" for grade in GRADES[:-1]]
            wrong = count["wrong"] + count["alarm"]
            cells = map(str, [cause, count.total(), *graded, wrong or ""])
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="asked.foreign", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--folder", type=Path, default=Path("build/doctor-outside/runs"))
    arguments = parser.parse_args()
    counts: dict[tuple[bool, str], Counter[str]] = {}
    words: Counter[str] = Counter()
    for run in truth.collect(arguments.folder):
        log = arguments.folder / run["case"] / str(run["seed"]) / "run.jsonl"
        ours = run["case"].startswith("train-")  # whose log is no foreign one
        if not run["judged"] or run["seed"] not in arguments.seeds or ours:
            continue
        count = counts.setdefault((run["broken"], run["cause"]), Counter())
        for name, every in POINTS.items():
            word = ask(as_state(log, every))
            grade = judge(run["cause"], run["broken"], word)
            count[grade] += 1
            words[f"{name}: {grade}" if not run["broken"] else f"{word}: {grade}"] += 1
    print("\n".join(table(counts)))
    print()
    print("\n".join(f"- {word}: {n}" for word, n in sorted(words.items())))


if __name__ == "__main__":
    main()
