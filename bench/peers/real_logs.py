# SPDX-License-Identifier: Apache-2.0
"""What is said of the logs that real libraries wrote: ours, and four tools of PyPI that read logs.

real_logs.py [--folder DIR] (make bench-logs)

Each tool is asked by the function that its own command calls, about the file as its library wrote
it. Prints the verdicts of ours by format and training, then how often each is right. meanings.py,
which was written before any of them was asked, says what a finding means.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests/logs")]
import meanings  # noqa: E402
import real  # noqa: E402
from meanings import Finding  # noqa: E402

RANK = ["right", "near", "wrong", "unclear", "silent"]


def trainspotter(log: real.Log) -> list[Finding]:
    from trainspotter.detectors import run_all
    from trainspotter.readers import load_run

    form = "lightning" if log.format == "lightning" else None
    run = load_run(log.path, form)
    if not run.metric_names():
        raise ValueError("it sees no metric")
    return [Finding(f.title, f.severity == "info") for f in run_all(run)]


def losslint(log: real.Log) -> list[Finding]:
    from losslint.checks import run_all_checks
    from losslint.parsing import load_run

    rank = {"error": 0, "warning": 1, "info": 2}
    found = sorted(run_all_checks(load_run(_file(log))), key=lambda f: rank.get(f.severity, 3))
    return [Finding(f.check, f.severity == "info") for f in found]


def trainproof(log: real.Log) -> list[Finding]:
    from trainproof.epoch import check_epoch

    found = check_epoch(_file(log))["findings"]
    if any(f["id"] in ("TP-NO-RECORDS", "TP-NO-LOSS") for f in found):
        raise ValueError("it sees no loss")
    rank = {"FAIL": 0, "WARN": 1}
    found.sort(key=lambda f: rank.get(f["level"], 2))
    return [Finding(f["id"], f["level"] not in rank) for f in found]


def finetune_doctor(log: real.Log) -> list[Finding]:
    from finetune_doctor.diagnosis import diagnose
    from finetune_doctor.history import load

    if log.path.name != "trainer_state.json":
        raise ValueError("it reads trainer_state.json alone")
    found = sorted(diagnose(load(str(log.path))).findings, key=lambda f: -f.severity)
    shown = [f for f in found if f.severity > 0]
    return [Finding(f"{f.check} {f.title}", f.severity == 1) for f in shown]


def _file(log: real.Log) -> Path:
    """The file, of a tool that takes no folder: the largest of TensorBoard's."""
    if log.run or not log.path.is_dir():
        return log.path
    return max(log.path.rglob("events.out.tfevents*"), key=lambda path: path.stat().st_size)


TOOLS: dict[str, Callable[[real.Log], list[Finding]]] = {
    "trainspotter": trainspotter,
    "losslint": losslint,
    "trainproof": trainproof,
    "finetune-doctor": finetune_doctor,
}


def grade(tool: str, findings: list[Finding], log: real.Log, strict: bool) -> str:
    """right, near, wrong or silent; of a fine log right or alarm."""
    if not log.broken:
        return "alarm" if any(meanings.is_alarm(tool, f, strict) for f in findings) else "right"
    said = (meanings.words_of(tool, finding, strict) for finding in findings)
    counted = [words for words in said if words is not meanings.IGNORED]
    counted = counted[:1] if strict else counted
    grades = [log.grade(word) for words in counted for word in words]
    grades += ["wrong"] if counted else []
    return min(grades, key=RANK.index) if grades else "silent"


def ask(tool: str, log: real.Log) -> list[Finding] | None:
    """None: it does not read that."""
    if log.run:
        return None  # none of the four reads a store
    try:
        return TOOLS[tool](log)
    except Exception:
        return None


def print_ours(words: dict[real.Log, str]) -> None:
    trainings = list(real.CAUSES)
    print(f"| written by | as | {' | '.join(trainings)} |\n|{'---|' * (len(trainings) + 2)}")
    for name, (writer, form, _) in real.FORMATS.items():
        cells = [word for log, word in words.items() if log.format == name]
        print(f"| {writer} | {form} | {' | '.join(c.upper().replace('_', ' ') for c in cells)} |")


def _alarms(fine: list[tuple[str, str]], way: int) -> int:
    return sum(grades[way] == "alarm" for grades in fine)


def print_counts(graded: dict[str, dict[real.Log, tuple[str, str] | None]]) -> None:
    """Of each tool, over the broken logs that it reads; and over the fine ones."""
    head = [
        "",
        "formats read",
        "right or near, generous",
        "right; near, strict",
        "another disease, strict",
        "nothing or UNCLEAR, strict",
        "alarms of fine logs, generous; strict",
    ]
    print(f"\n| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for name, of in graded.items():
        read = {log: g for log, g in of.items() if g}
        broken = [g for log, g in read.items() if log.broken]
        fine = [g for log, g in read.items() if not log.broken]
        cells = [
            f"{len({log.format for log in read})} of {len(real.FORMATS)}",
            f"{sum(g[0] in ('right', 'near') for g in broken)} of {len(broken)}",
            f"{sum(g[1] == 'right' for g in broken)}; {sum(g[1] == 'near' for g in broken)}",
            f"{sum(g[1] == 'wrong' for g in broken)} of {len(broken)}",
            f"{sum(g[1] in ('silent', 'unclear') for g in broken)} of {len(broken)}",
            f"{_alarms(fine, 0)}; {_alarms(fine, 1)} of {len(fine)}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def print_kinds(graded: dict[str, dict[real.Log, tuple[str, str] | None]]) -> None:
    """The strict grade of each training, over the formats that the tool reads."""
    print(f"\n| strict, by training | {' | '.join(graded)} |\n{'|---' * (len(graded) + 1)}|")
    for training in real.CAUSES:
        cells = []
        for of in graded.values():
            grades = [g[1] for log, g in of.items() if g and log.training == training]
            counts = sorted({g: grades.count(g) for g in grades}.items(), key=lambda x: -x[1])
            cells.append(", ".join(f"{count} {g}" for g, count in counts))
        print(f"| {training} | {' | '.join(cells)} |")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("build/logs/real"))
    logs = real.unpack(parser.parse_args().folder)
    words = {log: real.ask(log)["verdict"] for log in logs}
    print_ours(words)
    graded: dict[str, dict[real.Log, tuple[str, str] | None]] = {
        "ravine doctor": {log: (log.grade(word), log.grade(word)) for log, word in words.items()}
    }
    for tool in TOOLS:
        said = {log: ask(tool, log) for log in logs}
        graded[tool] = {
            log: None if f is None else (grade(tool, f, log, False), grade(tool, f, log, True))
            for log, f in said.items()
        }
    print_counts(graded)
    print_kinds(graded)


if __name__ == "__main__":
    main()
