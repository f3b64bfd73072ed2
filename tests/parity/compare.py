# SPDX-License-Identifier: Apache-2.0
"""One case run three times beside each other: ravine.torch, torch.optim, and long double."""

import copy
from dataclasses import dataclass, field

import numpy as np
import ravine.torch
import torch

from parity.reference import RULES, SQUARES, STATE, L


@dataclass
class Result:
    """Distances after all steps, in units of the last place of the largest parameter of the run."""

    ours_torch: float = 0.0  # ours from PyTorch's
    ours_exact: float = 0.0  # ours from long double
    torch_exact: float = 0.0  # PyTorch's from long double
    one_step: float = 0.0  # from PyTorch's state, one step: in ULP of the greatest number in it
    one_state: float = 0.0  # the same of the state
    torch_table: bool = True  # within PyTorch's own tolerance
    patterns: list[str] = field(default_factory=list)  # NaN or Inf in one of them only


def build(module, case, tensors):
    """An optimizer of that module on these tensors."""
    groups = [
        {"params": [t for t, g in zip(tensors, case.group_of, strict=True) if g == k], **settings}
        for k, settings in enumerate(case.settings)
    ]
    ours = module is ravine.torch
    plain = {} if ours else {"foreach": False}
    if not ours and case.rule in ("Adam", "AdamW", "SGD", "Adagrad"):
        plain["fused"] = False
    return getattr(module, case.rule)(groups, **plain)


def spacing(x, dtype):
    """The distance of neighbours at |x|, at least that of the smallest normal number."""
    size = np.maximum(np.abs(x).astype(dtype), np.finfo(dtype).tiny)
    return np.spacing(size).astype(L)


def worst(a, b, unit):
    """The greatest |a - b| / unit where both are finite."""
    if not a.size:
        return 0.0
    a, b = a.astype(L), b.astype(L)
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.max(np.where(both, np.abs(a - b) / unit, 0)))


def set_lr(case, optimizers, base, t):
    for optimizer in optimizers:
        for group, lr in zip(optimizer.param_groups, base, strict=True):
            group["lr"] = case.lr_at(lr, t)


def exact_step(case, p, g, state, step_count, options):
    """One step in long double: parameters and state after it, and how far both move when every
    number that goes in moves by a rounding, which below the normal numbers is the smallest one: no
    two programs agree on less."""

    def step(p, g, state):
        p = p.copy()
        state = dict(state)
        RULES[case.rule](p, g, state, step_count, options)
        return [p, state]

    x, after = step(p, g, state)
    moved, moved_state = np.zeros_like(x), {k: np.zeros_like(x) for k in after}
    info = np.finfo(case.dtype)

    def up(x):
        return x * (1 + L(info.eps)) + L(info.smallest_subnormal)

    inputs = [(up(p), g, state), (p, up(g), state)]
    inputs += [(p, g, state | {k: up(state[k])}) for k in state]
    for y, after_y in (step(*changed) for changed in inputs):
        moved += abs(y - x)
        for k in after:
            moved_state[k] = moved_state[k] + abs(after_y[k] - after[k])
    return x, after, moved, moved_state


def one_step(case, theirs, step_counts, tensors, grads, result):
    """From PyTorch's state one step of ours, one of PyTorch's and one in long double."""
    mine = [t.detach().clone().requires_grad_() for t in tensors]
    optimizer = build(ravine.torch, case, mine)
    optimizer.load_state_dict(copy.deepcopy(theirs.state_dict()))
    before, exact = [t.detach().numpy().copy() for t in tensors], []
    for i, (t, m, g) in enumerate(zip(tensors, mine, grads, strict=True)):
        known = theirs.state.get(t, {})
        state = {STATE[k]: v.numpy().astype(L) for k, v in known.items() if k in STATE}
        g = np.zeros_like(before[i]) if g is None else g
        options = theirs.param_groups[case.group_of[i]]
        p = before[i].astype(L)
        exact.append(exact_step(case, p, g.astype(L), state, step_counts[i] + 1, options))
        t.grad, m.grad = torch.from_numpy(g.copy()), torch.from_numpy(g.copy())
    optimizer.step()
    theirs.step()
    for t, m, b, (x, states, moved, moved_states) in zip(tensors, mine, before, exact, strict=True):
        a, o = t.detach().numpy(), m.detach().numpy()
        size = np.maximum(np.maximum(abs(b), abs(a)), abs(a - b))
        result.one_step = max(result.one_step, excess(a, o, x, moved, size, case.dtype))
        for key in theirs.state[t].keys() & STATE.keys() - {"mu_product", "eta", "mu"}:
            k, a, o = STATE[key], theirs.state[t][key].numpy(), optimizer.state[m][key].numpy()
            # An error of a number is twice as large, relatively, in its square.
            size = 2 * abs(a) if key in SQUARES else a
            beyond = excess(a, o, states[k], moved_states[k], size, case.dtype)
            result.one_state = max(result.one_state, beyond)


def excess(theirs, ours, exact, moved, size, dtype):
    """The greatest distance of ours from theirs, in units of the last place of `size`, where ours
    is farther from long double than two such units, what rounded inputs explain, and what
    roundings below the normal numbers cost."""
    if not ours.size:
        return 0.0
    a, b, unit = theirs.astype(L), ours.astype(L), spacing(size, dtype)
    distance = np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b), 0) / unit
    tiniest = L(np.finfo(dtype).smallest_subnormal)
    explained = np.abs(b - exact) <= 2 * unit + 2 * moved + 4 * tiniest
    return float(np.max(np.where(explained, np.minimum(distance, 2), distance)))


def run(case):
    """The distances of a case."""
    result = Result()
    tensors = {
        m: [torch.from_numpy(np.array(a)).requires_grad_() for a in case.start]
        for m in (torch.optim, ravine.torch)
    }
    theirs = build(torch.optim, case, tensors[torch.optim])
    ours = build(ravine.torch, case, tensors[ravine.torch])
    base = [group["lr"] for group in theirs.param_groups]
    exact = [a.astype(L) for a in case.start]
    states = [{} for _ in exact]
    step_counts = [0] * len(exact)
    largest = max((float(np.max(np.abs(a))) for a in case.start if a.size), default=0.0)
    closed = case.kind == "closed"
    old = np.seterr(all="ignore")
    for t in range(1, case.limits.steps + 1):
        set_lr(case, (theirs, ours), base, t)
        for i, e in enumerate(exact):
            p, q = tensors[torch.optim][i], tensors[ravine.torch][i]
            g = case.gradient(i, t, p.detach().numpy())
            h = case.gradient(i, t, q.detach().numpy()) if closed else g
            p.grad = None if g is None else torch.from_numpy(g)
            q.grad = None if h is None else torch.from_numpy(h.copy())
            g = case.gradient(i, t, e.astype(case.dtype)) if closed else g
            if g is not None:
                step_counts[i] += 1
                options = theirs.param_groups[case.group_of[i]]
                RULES[case.rule](e, g.astype(L), states[i], step_counts[i], options)
        theirs.step()
        ours.step()
        largest = max(
            [largest]
            + [float(np.max(np.abs(p.detach().numpy()), initial=0)) for p in tensors[torch.optim]]
        )
        if t == case.reload_at:
            packed = copy.deepcopy(ours.state_dict())
            ours = build(ravine.torch, case, tensors[ravine.torch])
            ours.load_state_dict(packed)
    unit = L(np.spacing(np.dtype(case.dtype).type(max(largest, np.finfo(case.dtype).tiny))))
    tolerance = (1.3e-6, 1e-5) if case.dtype == "float32" else (1e-7, 1e-7)
    for i, e in enumerate(exact):
        a, b = (tensors[m][i].detach().numpy() for m in (torch.optim, ravine.torch))
        if not np.array_equal(np.isfinite(a), np.isfinite(b)):
            result.patterns.append(f"tensor {i}")
        result.ours_torch = max(result.ours_torch, worst(a, b, unit))
        result.ours_exact = max(result.ours_exact, worst(b, e, unit))
        result.torch_exact = max(result.torch_exact, worst(a, e, unit))
        close = np.allclose(b, a, rtol=tolerance[0], atol=tolerance[1], equal_nan=True)
        result.torch_table &= bool(close)
    t = case.limits.steps + 1
    grads = [case.gradient(i, t, p.detach().numpy()) for i, p in enumerate(tensors[torch.optim])]
    one_step(case, theirs, step_counts, tensors[torch.optim], grads, result)
    np.seterr(**old)
    return result
