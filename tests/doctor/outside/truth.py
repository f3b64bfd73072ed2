# SPDX-License-Identifier: Apache-2.0
"""Whether a construction took: each broken run beside its healthy control, by numbers alone.

The rules, fixed before any doctor saw a run; Judge in cause.py names them:
  level     held out, the run ends above where its control was after 80 % of its fall, or is not
            finite at some step
  own       the same with the loss that the run used
  relative  the same, each loss as a share of what it was at the start
  floor     over the last quarter of the run the mean loss is 1.25 times that at the end of the
            control and more than a hundredth of its fall above (of a likelihood: a tenth); since
            the quarter before it fell by less than half of what the control is better, but in all
            by a third of what the control did
  still     half of the numbers or more are what they were at the start, to the last bit
  part      one parameter or more is
  nonfinite some loss is not finite
  zero      nine losses in ten are exactly 0
  overfit   held out, it ends above its least by a fifth of its fall, and on training examples below
            that least
  leaps     in the second half a loss is five times the median; or as level
  jump      the mean of eight losses after the middle is above that before by a sixth of what had
            been learned
  learned   finite; held out it ends 15 % below the best constant prediction (half of its start,
            where there is none) and not above its least by a fifth of its fall; it is at no floor
            in the sense of "floor", against a control whose rate decays at the end
  healthy   finite; held out it falls by half of the control's fall or more and does not end above
            its least by a fifth of its own
A run that did not take is listed and not judged.
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from outside import cases, ravine_runs
from outside.cause import Row

Summary = dict[str, Any]


def _looks(run: Summary, key: str) -> list[float]:
    return [math.inf if look[key] is None else look[key] for look in run["looks"]]


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
    if not _finite(run) or not _finite(control):
        return False, "not finite"
    (end, before), best = run["quarters"], control["loss_end"]
    fall = _looks(control, "own")[0] - best
    gap = max(0.25 * best, 0.01 * fall) if best > 0 else 0.1 * fall
    flat = before - end < 0.5 * (end - best)
    learned = _looks(run, "own")[0] - end > 0.3 * fall
    told = f"by quarters {before:.4g}, {end:.4g}; with a decaying rate {best:.4g}"
    return end - best > gap and flat and learned, told


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


def _leaps(run: Summary, control: Summary) -> tuple[bool, str]:
    above, told = _level(run, control)
    if above:
        return True, told
    return run["largest"] > 5 * run["median"], f"{run['median']:.4g}, up to {run['largest']:.4g}"


def _jump(run: Summary, control: Summary) -> tuple[bool, str]:
    if run["middle"] is None:
        return True, "not finite"
    before, after = run["middle"]
    learned = _looks(run, "own")[0] - before
    return after - before > learned / 6 > 0, f"{before:.4g}, then {after:.4g}"


def _learned(run: Summary, control: Summary) -> tuple[bool, str]:
    held, constant = _looks(run, "clean"), run["constant_loss"]
    least = 0.5 * held[0] if constant is None else constant - 0.15 * abs(constant)
    told = f"{held[0]:.4g} -> {min(held):.4g} -> {held[-1]:.4g}, to be below {least:.4g}"
    if not _finite(run) or held[-1] > least or _rises(run):
        return False, told
    at_floor, where = _floor(run, control)
    return not at_floor, f"{told}; {where}"


def _healthy(run: Summary, control: Summary) -> tuple[bool, str]:
    mine, other = _looks(run, "clean"), _looks(control, "clean")
    told = f"{mine[0]:.4g} -> {min(mine):.4g} -> {mine[-1]:.4g}, control ends at {other[-1]:.4g}"
    fell = mine[0] - mine[-1] >= 0.5 * (other[0] - other[-1])
    return _finite(run) and fell and not _rises(run), told


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
    "leaps": _leaps,
    "jump": _jump,
    "learned": _learned,
    "healthy": _healthy,
    "none": _unjudged,
}


def read(folder: Path) -> dict[tuple[str, int], Summary]:
    """The summaries of all runs, by case and seed."""
    return {
        (path.parent.parent.name, int(path.parent.name)): json.loads(path.read_text())
        for path in sorted(folder.glob("[!.]*/[0-9]*/summary.json"))
    }


def of(case: Row, run: Summary, control: Summary) -> dict[str, Any]:
    """What is known of a run without a doctor."""
    judge = case.what.judge
    took, why = JUDGES[judge](run, control)
    clean = _looks(run, "clean")
    return {
        "case": case.name,
        "where": "-".join(case.prefix) or "torch",
        "cause": case.cause,
        "task": case.task,
        "rule": case.rule,
        "strength": case.strength,
        "broken": case.broken,
        "judged": took and judge != "none",
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
    named = {case.name: case for case in [*cases.Case.every(), *ravine_runs.Case.every()]}
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
