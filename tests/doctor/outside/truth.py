"""Whether a construction took: each broken run beside its healthy control, by numbers alone.

The rules, fixed before any doctor saw a run; cause.Judge names them:
  level     held out, the run ends above where its control was after 80 % of its fall, or is not
            finite at some step
  own       the same with the loss that the run used
  relative  the same, each loss as a share of what it was at the start
  floor     over the last quarter of its looks the loss on fixed training examples is 1.25 times the
            control's (of a likelihood: higher by a tenth of the fall), and it fell by less than a
            sixth of that since the quarter before
  still     half of the numbers or more are what they were at the start, to the last bit
  part      one parameter or more is
  nonfinite some loss is not finite
  zero      nine losses in ten are exactly 0
  overfit   held out, it ends above its least by a fifth of its fall, and on training examples below
            that least
  jump      the mean of eight losses after the middle is above that before by three tenths of what
            had been learned
  healthy   finite; its fall is half of the control's or more (a control itself: 15 % below the best
            constant prediction, or half of its start where there is none); held out it does not
            end above its least by a fifth of its fall
A run that did not take is listed and not judged.
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from outside import cases, causes, ravine_causes, ravine_runs

Summary = dict[str, Any]


def _looks(run: Summary, key: str) -> list[float]:
    return [math.inf if look[key] is None else look[key] for look in run["looks"]]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _finite(run: Summary) -> bool:
    return run["first_nonfinite"] is None and math.isfinite(_looks(run, "clean")[-1])


def _above(run: Summary, control: Summary, key: str, relative: bool = False) -> tuple[bool, str]:
    mine, other = _looks(run, key), _looks(control, key)
    if relative:
        mine, other = [x / mine[0] for x in mine], [x / other[0] for x in other]
    border = other[-1] + 0.2 * (other[0] - other[-1])
    told = f"{mine[0]:.4g} -> {mine[-1]:.4g}, control {other[0]:.4g} -> {other[-1]:.4g}"
    return not _finite(run) or mine[-1] > border, told


def _level(run: Summary, control: Summary) -> tuple[bool, str]:
    return _above(run, control, "clean")


def _own(run: Summary, control: Summary) -> tuple[bool, str]:
    return _above(run, control, "own")


def _relative(run: Summary, control: Summary) -> tuple[bool, str]:
    return _above(run, control, "clean", relative=True)


def _floor(run: Summary, control: Summary) -> tuple[bool, str]:
    mine, other = _looks(run, "fixed"), _looks(control, "fixed")
    end, before, best = _mean(mine[-4:]), _mean(mine[-8:-4]), _mean(other[-4:])
    gap = 0.25 * best if best > 0 else 0.1 * (mine[0] - best)
    flat = before - end < max(gap, end - best) / 6 * 4
    told = f"ends at {before:.4g}, {end:.4g}; with a decaying rate at {best:.4g}"
    return end - best > gap and flat, told


def _still(run: Summary, control: Summary) -> tuple[bool, str]:
    held = sum(n for k, n in run["sizes"].items() if run["moved"][k] == 0)
    share = held / sum(run["sizes"].values())
    return share >= 0.5, f"{share:.1%} did not move"


def _part(run: Summary, control: Summary) -> tuple[bool, str]:
    held = [k for k, far in run["moved"].items() if far == 0]
    return bool(held), f"{len(held)} of {len(run['moved'])} did not move"


def _nonfinite(run: Summary, control: Summary) -> tuple[bool, str]:
    return run["first_nonfinite"] is not None, f"not finite from {run['first_nonfinite']}"


def _zero(run: Summary, control: Summary) -> tuple[bool, str]:
    return run["loss_zero"] >= 0.9 * run["steps"], f"{run['loss_zero']} losses are 0"


def _rises(run: Summary) -> bool:
    held = _looks(run, "clean")
    return held[-1] - min(held) > 0.2 * (held[0] - min(held))


def _overfit(run: Summary, control: Summary) -> tuple[bool, str]:
    held, fixed = _looks(run, "clean"), _looks(run, "fixed")
    told = f"held out {held[0]:.4g} -> {min(held):.4g} -> {held[-1]:.4g}, training {fixed[-1]:.4g}"
    return _rises(run) and fixed[-1] < min(held), told


def _jump(run: Summary, control: Summary) -> tuple[bool, str]:
    if run["middle"] is None:
        return True, "not finite"
    before, after = run["middle"]
    learned = run["loss_start"] - before
    return after - before > 0.3 * learned > 0, f"{before:.4g}, then {after:.4g}"


def _healthy(run: Summary, control: Summary) -> tuple[bool, str]:
    mine, other = _looks(run, "clean"), _looks(control, "clean")
    if not _finite(run):
        return False, "not finite"
    if run is control:
        constant = run["constant_loss"]
        least = 0.5 * mine[0] if constant is None else constant - 0.15 * abs(constant)
        learned = mine[-1] < least
    else:
        learned = mine[0] - mine[-1] >= 0.5 * (other[0] - other[-1])
    told = f"{mine[0]:.4g} -> {min(mine):.4g} -> {mine[-1]:.4g}, control ends at {other[-1]:.4g}"
    return learned and not _rises(run), told


def _unjudged(run: Summary, control: Summary) -> tuple[bool, str]:
    return True, "a control"


JUDGES: dict[str, Callable[[Summary, Summary], tuple[bool, str]]] = {
    "level": _level,
    "own": _own,
    "relative": _relative,
    "floor": _floor,
    "still": _still,
    "part": _part,
    "nonfinite": _nonfinite,
    "zero": _zero,
    "overfit": _overfit,
    "jump": _jump,
    "healthy": _healthy,
    "none": _unjudged,
}


def read(folder: Path) -> dict[tuple[str, int], Summary]:
    """The summaries of all runs, by case and seed."""
    return {
        (path.parent.parent.name, int(path.parent.name)): json.loads(path.read_text())
        for path in sorted(folder.glob("[!.]*/[0-9]*/summary.json"))
    }


def of(case: cases.Case | ravine_runs.Case, run: Summary, control: Summary) -> dict[str, Any]:
    """What is known of a run without a doctor."""
    in_torch = isinstance(case, cases.Case)
    cause = (causes.ALL if in_torch else ravine_causes.ALL)[case.cause]
    took, why = JUDGES[cause.judge](run, control)
    clean = _looks(run, "clean")
    return {
        "case": case.name,
        "where": "torch" if in_torch else "command",
        "cause": case.cause,
        "task": case.task,
        "rule": case.rule,
        "strength": case.strength,
        "broken": case.broken,
        "judged": took and cause.judge != "none",
        "took": took,
        "why": why,
        "first_nonfinite": run["first_nonfinite"],
        "ends_above_start": not clean[-1] <= clean[0],
        "steps": run["steps"],
        "seconds": run["seconds"],
    }


def collect(folder: Path) -> list[dict[str, Any]]:
    """The truth of every run whose control was run too."""
    runs = read(folder)
    named = {case.name: case for case in [*cases.every(), *ravine_runs.every()]}
    found = []
    for (name, seed), run in runs.items():
        if name not in named:
            continue
        control = runs.get((named[name].control().name, seed))
        if control is not None:
            found.append({"seed": seed} | of(named[name], run, control))
    return found


def report(folder: Path) -> None:
    """Writes truth.jsonl, prints what did not take and how many did, by cause."""
    found = collect(folder)
    with (folder / "truth.jsonl").open("w") as file:
        file.writelines(json.dumps(line) + "\n" for line in found)
    for line in found:
        if not line["took"]:
            print(f"did not take: {line['case']} {line['seed']}: {line['why']}")
    count: Counter[tuple[str, str]] = Counter()
    took: Counter[tuple[str, str]] = Counter()
    seconds: Counter[tuple[str, str]] = Counter()
    for line in found:
        key = line["where"], line["cause"]
        count[key] += 1
        took[key] += line["took"]
        seconds[key] += line["seconds"]
    for key in count:
        mean = seconds[key] / count[key]
        print(f"{key[0]:8}{key[1]:20} {took[key]:4} of {count[key]:4} took, {mean:5.1f} s each")
    print(f"{took.total()} of {count.total()} took, {seconds.total() / 60:.0f} min")
