#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lecture's runs once more: the formulas of the textbook in plain Python, without any code of
Ravine. What `ravine lecture` calls expected is what this prints."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import pairwise, repeat
from statistics import NormalDist

STEPS = 100_000
X = [338, 333, 328, 207, 226, 25, 179, 60, 208, 606]
Y = [640, 633, 619, 393, 428, 27, 193, 66, 226, 1591]
START = -120.0, -4.0  # b, w


def residuals(b, w):
    return [y - b - w * x for x, y in zip(X, Y, strict=True)]


def gradient(residual):
    """Of the sum of the squares."""
    return -2 * sum(residual), -2 * sum(r * x for r, x in zip(residual, X, strict=True))


# The Hessian and the minimum: whole numbers up to the division.
H_BB, H_BW, H_WW = 2 * len(X), 2 * sum(X), 2 * sum(x * x for x in X)
SUM_Y, SUM_XY = 2 * sum(Y), 2 * sum(x * y for x, y in zip(X, Y, strict=True))
DETERMINANT = H_BB * H_WW - H_BW * H_BW
MINIMUM = (
    (H_WW * SUM_Y - H_BW * SUM_XY) / DETERMINANT,
    (H_BB * SUM_XY - H_BW * SUM_Y) / DETERMINANT,
)
LEAST = sum(r * r for r in residuals(*MINIMUM))


def greatest_eigenvalue(a, b, c):
    """Of [[a, b], [b, c]]."""
    return (a + c) / 2 + math.hypot((a - c) / 2, b)


_ALONG_B = greatest_eigenvalue(H_BB, H_BW, H_WW) - H_BB
STEEP = (
    H_BW / math.hypot(H_BW, _ALONG_B),
    _ALONG_B / math.hypot(H_BW, _ALONG_B),
)  # across the valley

# ---- rules ---------------------------------------------------------------------------------------
# Each is the limit of eta S, and what makes m and sigma of both parameters from the gradient of
# step t; sigma None: without.


def plain(beta=0.0):
    """Gradient descent, and the heavy ball."""
    m = [0.0, 0.0]

    def step(t, g):
        m[:] = [beta * old + new for old, new in zip(m, g, strict=True)]
        return m, None

    return 2 * (1 + beta), step


def adagrad(mean):
    """The lecture's has the root of the mean, Duchi's of the sum."""
    total = [0.0, 0.0]

    def step(t, g):
        total[:] = [old + new * new for old, new in zip(total, g, strict=True)]
        return g, [math.sqrt(s / (t + 1) if mean else s) for s in total]

    return 2, step


def rmsprop(alpha):
    """With the first gradient as the first sigma."""
    square = [0.0, 0.0]

    def step(t, g):
        kept = alpha if t else 0.0
        both = zip(square, g, strict=True)
        square[:] = [kept * old + (1 - kept) * new * new for old, new in both]
        return g, [math.sqrt(s) for s in square]

    return 2, step


def adam(amsgrad=False, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, most = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]

    def step(t, g):
        m[:] = [beta1 * old + (1 - beta1) * new for old, new in zip(m, g, strict=True)]
        v[:] = [beta2 * old + (1 - beta2) * new * new for old, new in zip(v, g, strict=True)]
        most[:] = map(max, most, v)
        first, second = 1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1)
        used = most if amsgrad else v
        return [k / first for k in m], [math.sqrt(k / second) + eps for k in used]

    return 2 * (1 + beta1) / (1 - beta1), step


# ---- schedules -----------------------------------------------------------------------------------


def linear_to_0():
    return (1 - t / STEPS for t in range(STEPS))


def warmup(then):
    """(t + 1) / 1000, and from step 1,000 on `then` of the step."""
    return ((t + 1) / 1000 if t < 1000 else then(t) for t in range(STEPS))


RUNS = {  # key in lecture.json: (rule, learning rates)
    "gd_1e-2": (plain(), repeat(1e-2)),
    "gd_1e-5": (plain(), repeat(1e-5)),
    "gd_1e-6": (plain(), repeat(1e-6)),
    "gd_1e-7": (plain(), repeat(1e-7)),
    "heavy_ball": (plain(0.9), repeat(1e-6)),
    "adagrad_mean": (adagrad(mean=True), repeat(1.0)),
    "adagrad_mean_sqrt": (adagrad(mean=False), repeat(1.0)),
    "adagrad_mean_linear": (adagrad(mean=True), linear_to_0()),
    "adagrad_mean_warmup": (adagrad(mean=True), warmup(lambda t: 1.0)),
    "adagrad_mean_warmup_sqrt": (adagrad(mean=True), warmup(lambda t: math.sqrt(1000 / t))),
    "adagrad_0.1": (adagrad(mean=False), repeat(0.1)),
    "adagrad_10": (adagrad(mean=False), repeat(10.0)),
    "rmsprop_0.1": (rmsprop(0.9), repeat(0.1)),
    "rmsprop_1": (rmsprop(0.9), repeat(1.0)),
    "adam_1": (adam(), repeat(1.0)),
    "amsgrad_1": (adam(amsgrad=True), repeat(1.0)),
    "complete": (adam(), warmup(lambda t: 1e-6 ** ((t - 1000) / 99000))),
}

# ---- a run ---------------------------------------------------------------------------------------


def is_unstable(rate, sigma, limit):
    """Whether eta S is above the limit; without sigma S is the curvature itself."""
    b, w = sigma or (1.0, 1.0)
    return rate * greatest_eigenvalue(H_BB / b, H_BW / math.sqrt(b * w), H_WW / w) > limit


def bursts(across):
    """The first steps of the bursts: above 0.5, after ten steps in a row below 0.1 once and below
    0.05 since the last."""
    found, on_floor, inside = [], 0, False
    for t, distance in enumerate(across):
        if on_floor < 10:
            on_floor = on_floor + 1 if distance < 0.1 else 0
            continue
        if distance < 0.05:
            inside = False
        if distance > 0.5 and not inside:
            inside = True
            found.append(t)
    return found


def run(rule, rates):
    """What the table has of a run, by the names of lecture.json."""
    limit, step = rule
    rates = iter(rates)
    theta, unstable, excess, across, distance = START, None, [], [], []
    for t in range(STEPS + 1):
        residual = residuals(*theta)
        excess.append(sum(r * r for r in residual) - LEAST)
        from_minimum = [a - b for a, b in zip(theta, MINIMUM, strict=True)]
        distance.append(math.hypot(*from_minimum))
        across.append(abs(sum(a * b for a, b in zip(from_minimum, STEEP, strict=True))))
        if t == STEPS or not math.isfinite(excess[t]):
            break
        rate = next(rates)
        m, sigma = step(t, gradient(residual))
        # the first sigmas know too little to be judged
        if unstable is None and (t > 5 or not sigma) and is_unstable(rate, sigma, limit):
            unstable = t
        theta = [a - rate * b / c for a, b, c in zip(theta, m, sigma or (1.0, 1.0), strict=True)]
    found = {"first_unstable_step": unstable, "stability_limit": limit, "nonfinite_step": None}
    if t < STEPS:
        half = across[t // 2 + 1] / across[t // 2]  # where all but the growth is too small to see
        return {**found, "nonfinite_step": t, "growth_per_step": half}
    begun = bursts(across)
    return {
        **found,
        "end_b": theta[0],
        "end_w": theta[1],
        "distance": distance[STEPS],
        "worst_excess_loss_last_tenth": max(0.0, *excess[STEPS - STEPS // 10 :]),
        "bursts": len(begun),
        "first_burst_step": begun[0] if begun else None,
        "arrived": next((t for t, far in enumerate(distance) if far < 1), None),
        "farthest": max(distance[STEPS - STEPS // 10 :]),
    }


@cache
def table():
    return {key: run(*settings) for key, settings in RUNS.items()}


# ---- figures -------------------------------------------------------------------------------------


def across(theta):
    """The distance from the floor of the valley but for a factor, in exact arithmetic."""
    with localcontext() as context:
        context.prec = 60
        middle = Decimal(H_WW - H_BB) / 2
        ratio = Fraction(Decimal(H_BW) / (middle + (middle * middle + H_BW * H_BW).sqrt()))
    b = Fraction(H_WW * SUM_Y - H_BW * SUM_XY, DETERMINANT)
    w = Fraction(H_BB * SUM_XY - H_BW * SUM_Y, DETERMINANT)
    return (theta[0] - b) * ratio + theta[1] - w


def crossing(a, b):
    """b where the line from a to b crosses the floor; None if it does not."""
    a, b = [tuple(map(Fraction, theta)) for theta in (a, b)]
    first, last = across(a), across(b)
    return float(a[0] + first / (first - last) * (b[0] - a[0])) if first * last < 0 else None


def crossings_of_descent(lr, steps):
    """Where each step of gradient descent crosses the floor, in exact arithmetic."""
    theta, found = tuple(map(Fraction, START)), []
    for _ in range(steps):
        pairs = zip(theta, gradient(residuals(*theta)), strict=True)
        new = tuple(t - lr * g for t, g in pairs)
        found.append(crossing(theta, new))
        theta = new
    return found


def rmsprop_on_crescent(alpha, lr, start, steps):
    """On Rosenbrock's function: w1, w2, loss, gradient and sigma, before each step."""
    _, step = rmsprop(alpha)
    w1, w2 = start
    for t in range(steps):
        bend = w2 - w1 * w1
        g = -2 * (1 - w1) - 400 * w1 * bend, 200 * bend
        _, sigma = step(t, g)
        yield w1, w2, (1 - w1) ** 2 + 100 * bend * bend, g, sigma
        w1, w2 = w1 - lr * g[0] / sigma[0], w2 - lr * g[1] / sigma[1]


def crescent():
    """RMSProp(.9) from the wall: sigma of w1 at each step, and the root of the mean of all squares
    on the same path."""
    total, sigmas, means = 0.0, [], []
    for t, (*_, g, sigma) in enumerate(rmsprop_on_crescent(0.9, 0.002, (-1.5, 2.0), 1000)):
        total += g[0] * g[0]
        sigmas.append(sigma[0])
        means.append(math.sqrt(total / (t + 1)))
    return sigmas, means


def brakes():
    """RMSProp from the bed of the crescent: for each alpha the longest step over eta, the greatest
    loss, and the greatest distance to the minimum in the last 400 of 4,000 steps."""
    lr, found = 0.02, {}
    for alpha in (0.1, 0.9, 0.999):
        run = list(rmsprop_on_crescent(alpha, lr, (-1.0, 1.01), 4000))
        steps = [math.dist(a[:2], b[:2]) for a, b in pairwise(run)]
        found |= {
            f"longest_{alpha}": max(steps) / lr,
            f"loss_{alpha}": max(row[2] for row in run),
            f"distance_{alpha}": max(math.dist(row[:2], (1, 1)) for row in run[-400:]),
        }
    return found


def young_sigma(share, t):
    """The value below which `share` of all sigma_t are when every gradient is normal, of deviation
    1: |g| for t = 1; else the root of a mean of t squares, chi^2_t/t, by Wilson and Hilferty."""
    if t == 1:
        return NormalDist().inv_cdf((1 + share) / 2)
    spread = 2 / (9 * t)
    return (1 - spread + NormalDist().inv_cdf(share) * math.sqrt(spread)) ** 1.5


def rectification(t, beta2=0.999):
    """RAdam's r of step t = 1, 2 ...: Liu et al. 2020, Algorithm 2."""
    most = 2 / (1 - beta2) - 1
    rho = most - 2 * t * beta2**t / (1 - beta2**t)
    return math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))


def young():
    return {
        f"sigma_{share}_{t}": young_sigma(share / 100, t) for t in (1, 100) for share in (5, 50, 95)
    } | {f"r_{t}": rectification(t) for t in (6, 100)}


def bounce():
    """Gradient descent at 5, from step 200 on at 1, between walls of a limited slope; and at 5
    between those of a parabola with the same curvature at the floor."""
    x, y, rows = 4.0, 4.0, []
    for t in range(300):
        height = math.sqrt(1 + x * x)
        g = x / height, 0.05 * y
        loss = height - 1 + 0.05 * y * y / 2
        lr = 5 if t < 200 else 1
        rows.append((abs(x), loss, math.hypot(*g), lr * max(height**-3, 0.05)))
        x, y = x - lr * g[0], y - lr * g[1]
    return {
        "loss_60": rows[60][1],
        "loss_199": rows[199][1],
        "grad_norm_0": rows[0][2],
        "grad_norm_199": rows[199][2],
        "across_199": rows[199][0],
        "eta_s_199": rows[199][3],
        "loss_204": rows[204][1],
        "growth": abs(1 - 5 * 1.0),
    }


# The way of the lecture: the name of each rule there, and its run.
WAY = {
    "gd": "gd_1e-6",
    "momentum": "heavy_ball",
    "adagrad": "adagrad_mean",
    "rmsprop": "rmsprop_0.1",
    "adam": "adam_1",
    "complete": "complete",
}


def way():
    """The first step within 1 of the minimum, and the greatest distance of the last tenth."""
    rows = {name: table()[key] for name, key in WAY.items()}
    arrived = {f"arrived_{name}": row["arrived"] for name, row in rows.items() if name != "gd"}
    return arrived | {f"farthest_{name}": row["farthest"] for name, row in rows.items()}


def figures():
    """The numbers of the figures, by their letters and names in lecture.json."""
    lines = crossings_of_descent(Fraction(1, 100), 5)
    sigmas, means = crescent()
    return {
        "b": {f"crossing_{k + 1}": b for k, b in enumerate(lines)},
        "d": {f"rmsprop_{t}": sigmas[t] for t in (0, 100, 800)}
        | {f"mean_{t}": means[t] for t in (100, 800)},
        "k": brakes(),
        "l": young(),
        "o": bounce(),
        "p": way(),
        "i": {"across": (1 - 0.9) / (1 + 0.9)},  # m of a gradient that alternates, over its size
    }


if __name__ == "__main__":
    for key, row in (table() | figures()).items():
        print(key)
        for name, value in row.items():
            print(f"    {name:30} {'never' if value is None else f'{value:.6g}'}")
