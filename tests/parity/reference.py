# SPDX-License-Identifier: Apache-2.0
"""The rules that PyTorch has, in long double: one element-wise formula each, written for reading.

Every function makes one step of one tensor: p [any shape] and the state s (empty before the first
step) are changed in place; t counts from 1. Formulas: PyTorch's documentation of each optimizer.
"""

import numpy as np

L = np.longdouble


def _decayed(p, g, o):
    g = -g if o["maximize"] else g
    if o.get("decoupled_weight_decay"):
        p -= L(o["lr"]) * L(o["weight_decay"]) * p
        return g
    return g + L(o.get("weight_decay", 0)) * p


def _mean(s, key, beta, value):
    s[key] = L(beta) * s.get(key, np.zeros_like(value)) + (1 - L(beta)) * value
    return s[key]


def sgd(p, g, s, t, o):
    g = _decayed(p, g, o)
    if o["momentum"]:
        b = L(o["momentum"])
        s["b"] = b * s["b"] + (1 - L(o["dampening"])) * g if "b" in s else g
        g = g + b * s["b"] if o["nesterov"] else s["b"]
    p -= L(o["lr"]) * g


def adagrad(p, g, s, t, o):
    g = _decayed(p, g, o)
    s["v"] = s.get("v", L(0)) + g * g
    p -= L(o["lr"]) / (1 + (t - 1) * L(o["lr_decay"])) * g / (np.sqrt(s["v"]) + L(o["eps"]))


def rmsprop(p, g, s, t, o):
    g = _decayed(p, g, o)
    v = _mean(s, "v", o["alpha"], g * g)
    if o["centered"]:
        v = v - _mean(s, "g", o["alpha"], g) ** 2
    step = g / (np.sqrt(v) + L(o["eps"]))
    if o["momentum"]:
        step = s["b"] = L(o["momentum"]) * s.get("b", np.zeros_like(g)) + step
    p -= L(o["lr"]) * step


def adadelta(p, g, s, t, o):
    g = _decayed(p, g, o)
    eps = L(o["eps"])
    v = _mean(s, "v", o["rho"], g * g)
    u = np.sqrt(s.get("u", np.zeros_like(g)) + eps) / np.sqrt(v + eps) * g
    _mean(s, "u", o["rho"], u * u)
    p -= L(o["lr"]) * u


def adam(p, g, s, t, o):
    g = _decayed(p, g, o)
    b1, b2 = map(L, o["betas"])
    m, v = _mean(s, "m", b1, g), _mean(s, "v", b2, g * g)
    if o["amsgrad"]:
        v = s["max"] = np.maximum(s.get("max", v), v)
    p -= L(o["lr"]) * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + L(o["eps"]))


def adamax(p, g, s, t, o):
    g = _decayed(p, g, o)
    b1, b2 = map(L, o["betas"])
    m = _mean(s, "m", b1, g)
    s["u"] = np.maximum(b2 * s.get("u", np.zeros_like(g)), np.abs(g) + L(o["eps"]))
    p -= L(o["lr"]) / (1 - b1**t) * m / s["u"]


def nadam(p, g, s, t, o):
    g = _decayed(p, g, o)
    b1, b2 = map(L, o["betas"])

    def mu(k):
        return b1 * (1 - L("0.5") * L("0.96") ** (k * L(o["momentum_decay"])))

    s["product"] = s.get("product", L(1)) * mu(t)
    m, v = _mean(s, "m", b1, g), _mean(s, "v", b2, g * g)
    mean = (1 - mu(t)) / (1 - s["product"]) * g
    mean = mean + mu(t + 1) / (1 - s["product"] * mu(t + 1)) * m
    p -= L(o["lr"]) * mean / (np.sqrt(v / (1 - b2**t)) + L(o["eps"]))


def radam(p, g, s, t, o):
    g = _decayed(p, g, o)
    b1, b2 = map(L, o["betas"])
    m, v = _mean(s, "m", b1, g), _mean(s, "v", b2, g * g)
    m = m / (1 - b1**t)
    limit = 2 / (1 - b2) - 1
    rho = limit - 2 * t * b2**t / (1 - b2**t)
    if rho > 5:
        r = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        m = m * r * np.sqrt(1 - b2**t) / (np.sqrt(v) + L(o["eps"]))
    p -= L(o["lr"]) * m


def asgd(p, g, s, t, o):
    g = _decayed(p, g, o)
    lr, lambd = L(o["lr"]), L(o["lambd"])
    eta = s.get("eta", lr)
    p -= eta * (g + lambd * p)
    mu = s.get("mu", L(1))
    s["ax"] = s.get("ax", np.zeros_like(p)) + mu * (p - s.get("ax", np.zeros_like(p)))
    s["eta"] = lr / (1 + lambd * lr * t) ** L(o["alpha"])
    s["mu"] = 1 / np.maximum(L(1), t - L(o["t0"]))


def rprop(p, g, s, t, o):
    g = -g if o["maximize"] else g
    (minus, plus), (least, greatest) = o["etas"], o["step_sizes"]
    product = g * s.get("previous", np.zeros_like(g))
    factor = np.where(product > 0, L(plus), np.where(product < 0, L(minus), L(1)))
    s["step"] = np.clip(s.get("step", L(o["lr"])) * factor, L(least), L(greatest))
    s["previous"] = np.where(product < 0, L(0), g)
    p -= np.sign(s["previous"]) * s["step"]


# Names of the state above for PyTorch's. Its mu_product, eta and mu are float32, whatever the type
# of the parameters.
STATE = {
    "momentum_buffer": "b",
    "sum": "v",
    "square_avg": "v",
    "grad_avg": "g",
    "acc_delta": "u",
    "exp_avg": "m",
    "exp_avg_sq": "v",
    "max_exp_avg_sq": "max",
    "exp_inf": "u",
    "ax": "ax",
    "prev": "previous",
    "step_size": "step",
    "mu_product": "product",
    "eta": "eta",
    "mu": "mu",
}

SQUARES = ("sum", "square_avg", "acc_delta", "exp_avg_sq", "max_exp_avg_sq")

RULES = {
    "SGD": sgd,
    "Adagrad": adagrad,
    "RMSprop": rmsprop,
    "Adadelta": adadelta,
    "Adam": adam,
    "AdamW": adam,
    "Adamax": adamax,
    "NAdam": nadam,
    "RAdam": radam,
    "ASGD": asgd,
    "Rprop": rprop,
}
