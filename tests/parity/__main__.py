# SPDX-License-Identifier: Apache-2.0
"""Ravine's rules beside PyTorch's, over random configurations: `make parity`.

Prints a table for each type, shrinks what fails, and exits 1 if anything did. A case fails when
  - one step from PyTorch's own state is more than 2 ULP from PyTorch's, and farther from long
    double than its rounded inputs explain (parameters and state);
  - after all steps ours is more than 1,024 units (last place of the largest parameter of the run)
    from PyTorch's, and farther from long double than 1.5 times PyTorch's own distance (100 times,
    where that is beyond 64 itself: rounding then grows from step to step, in any program);
  - NaN or Inf stands in one of the two only.
A rule fails when in less than 95 % of its cases ours is within 64 units or that near long double.
"""

import argparse
import multiprocessing
import platform
import sys
from collections import defaultdict

import torch

from parity.cases import Case, Limits
from parity.judge import NEAR, judge, near
from parity.reference import RULES


def table(rows, dtype):
    """Prints what the cases of a type came to, rule by rule; how many rules failed as a whole."""
    fallen = 0
    print(
        f"\n{dtype:9} {'defaults: greatest distance':>39} {'random settings':>31} {'one step':>17}"
    )
    print(
        f"{'rule':9} {'ours-torch':>13}{'ours-exact':>13}{'torch-exact':>13}"
        f" {'cases':>6}{'<= 64':>8}{'near exact':>12}{'failed':>8} {'theta':>8}{'state':>8}"
    )
    for rule, results in rows.items():
        default = [r for c, r, _ in results if c.defaults]
        other = [(r, f) for c, r, f in results if not c.defaults]
        greatest = [
            max(getattr(r, k) for r in default) for k in ("ours_torch", "ours_exact", "torch_exact")
        ]
        small = sum(r.ours_torch <= NEAR for r, _ in other) / len(other)
        close = sum(near(r) for r, _ in other) / len(other)
        fallen += sum(r.ours_torch <= NEAR or near(r) for r, _ in other) < 0.95 * len(other)
        failed = sum(bool(f) for _, _, f in results)
        print(
            f"{rule:9} {greatest[0]:13.4g}{greatest[1]:13.4g}{greatest[2]:13.4g}"
            f" {len(other):6}{small:8.1%}{close:12.1%}{failed:8}"
            f" {max(r.one_step for _, r, _ in results):8.3g}"
            f"{max(r.one_state for _, r, _ in results):8.3g}"
        )
    return fallen


def main():
    """Reads the options, runs the cases on all processors, prints, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="parity")
    parser.add_argument(
        "--cases", type=int, default=2200, help="in all, at least 4 a rule and type"
    )
    parser.add_argument(
        "--steps", type=int, default=500, help="of every fifth case; others: a fifth"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    options = parser.parse_args()
    each = max(4, -(-options.cases // (2 * len(RULES))))
    cases = [
        Case(
            options.seed + k,
            rule,
            dtype,
            k % 10 == 0,
            Limits(steps=options.steps if k % 5 == 0 else options.steps // 5),
        )
        for dtype in ("float32", "float64")
        for rule in RULES
        for k in range(each)
    ]
    rows = defaultdict(lambda: defaultdict(list))
    failed = fallen = 0
    with multiprocessing.get_context("spawn").Pool() as pool:
        for done in pool.imap(judge, cases, chunksize=2):
            case, _, found = done
            rows[case.dtype][case.rule].append(done)
            if found:
                failed += 1
                print(f"FAILED {case.rule} {case.dtype}: " + "; ".join(found))
    print(
        f"PyTorch {torch.__version__} for-loop on {platform.machine()}, seeds from {options.seed};"
        f" {options.steps} steps in every fifth\ncase, a fifth of it in the others. Distances in"
        " units of the last place of the largest parameter of\nthe run. near exact: at most 1.5"
        " times as far from long double as PyTorch, and one unit."
    )
    for dtype, results in rows.items():
        fallen += table(results, dtype)
    print(f"\n{len(cases) - failed} cases passed, {failed} failed; {fallen} rules below 95 %")
    return 1 if failed or fallen else 0


if __name__ == "__main__":
    sys.exit(main())
