# SPDX-License-Identifier: Apache-2.0
"""When a case fails, and how a failure is made smaller."""

import dataclasses

import torch

from parity.cases import Case
from parity.compare import run

NEAR, FAR, STEP = 64, 1024, 2


def near(result):
    """Whether ours is as near to long double as PyTorch's is, give or take half."""
    return result.ours_exact <= 1.5 * result.torch_exact + 1


def faults(result):
    """What is wrong with a case; empty: nothing."""
    found = list(result.patterns)
    if result.one_step > STEP:
        found.append(f"one step {result.one_step:.3g} ULP")
    if result.one_state > STEP:
        found.append(f"state after one step {result.one_state:.3g} ULP")
    # Where PyTorch itself is lost, rounding grows from step to step: then only the size counts.
    lost = result.torch_exact > NEAR and result.ours_exact <= 100 * result.torch_exact
    if result.ours_torch > FAR and not near(result) and not lost:
        found.append(f"drift {result.ours_torch:.3g}, to long double {result.ours_exact:.3g}")
    return found


def shrink(case):
    """The smallest of the case's reductions that still fails."""
    for name, values in {
        "events": [False],
        "groups": [1],
        "tensors": [1, 2, 4, 8],
        "elements": [1, 16, 256],
        "steps": [0, 1, 2, 5, 20, 100],
    }.items():
        for value in values:
            limits = dataclasses.replace(case.limits, **{name: value})
            smaller = Case(case.seed, case.rule, case.dtype, case.defaults, limits)
            if faults(run(smaller)):
                case = smaller
                break
    return case


def judge(case):
    """A case's result, and what is wrong with it."""
    torch.set_num_threads(1)
    result = run(case)
    found = faults(result)
    if found:
        small = shrink(case)
        values = [s | {"defaults": small.defaults} for s in small.settings]
        found.append(f"seed {small.seed} {small.limits} {small.kind} {values}")
    return case, result, found
