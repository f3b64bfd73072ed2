# SPDX-License-Identifier: Apache-2.0
"""Random configurations: a rule with settings, tensors in groups, and gradients over steps.

Everything about a case follows from its seed and limits, so that a failure is a number, and can be
made smaller by lowering limits.
"""

from dataclasses import dataclass

import numpy as np

SHAPES = [(), (0,), (1,), (1003,), (4097,), (3, 0, 5), (17, 3), (2, 3, 4, 5)]
KINDS = ["gaussian", "wide", "half zeros", "constant", "signed zeros", "tiny", "outlier", "closed"]
BETA1, BETA2 = [0.0, 0.5, 0.9, 0.95, 0.99], [0.9, 0.95, 0.99, 0.999, 0.9999]


@dataclass(frozen=True)
class Limits:
    """What a case may have; lowered to shrink a failure."""

    steps: int = 500
    tensors: int = 17
    groups: int = 4
    elements: int = 65537
    events: bool = True  # missing gradients, changes of lr, state that is saved and loaded


@dataclass
class Case:
    """One configuration."""

    seed: int
    rule: str
    dtype: str
    defaults: bool
    limits: Limits

    def __post_init__(self):
        """Draws everything but the gradients."""
        self.random = np.random.default_rng(self.seed)
        self.kind = "gaussian" if self.defaults else str(self.random.choice(KINDS))
        self.scale = 1.0 if self.defaults else 10 ** self.random.uniform(-6, 2)
        count = 1 + int((3 if self.defaults else 17) * self.random.random() ** 3)
        groups = min(int(self.random.integers(1, 5)), count)
        self.group_of = np.sort(
            np.r_[np.arange(groups), self.random.integers(0, groups, count - groups)]
        )
        shapes = [self.shape() for _ in range(count)]
        keep = slice(0, self.limits.tensors)
        self.group_of = np.minimum(self.group_of[keep], self.limits.groups - 1)
        self.shapes = [s if np.prod(s) <= self.limits.elements else (2,) for s in shapes[keep]]
        self.start = [self.random.normal(size=s).astype(self.dtype) for s in self.shapes]
        self.settings = [self.draw_settings() for _ in range(4)][: int(self.group_of[-1]) + 1]
        for later in self.settings[1:]:
            for key in ("amsgrad", "centered", "momentum", "nesterov", "dampening"):
                if key in later:
                    later[key] = self.settings[0][key]
        if self.kind == "constant" and any(s.get("centered") for s in self.settings):
            self.kind = "gaussian"  # the variance of a constant is rounding alone, in any program
        self.events = self.limits.events and not self.defaults
        self.lr_changes = self.events and self.random.random() < 0.3
        self.missing = (
            self.random.uniform(0, 0.2) if self.events and self.random.random() < 0.3 else 0
        )
        draw = int(self.random.integers(1, 500))
        self.reload_at = draw if self.events and self.random.random() < 0.3 else -1

    def shape(self):
        if self.random.random() < 0.003 and not self.defaults:
            return (65537,)
        if self.random.random() < 0.5:
            return (int(self.random.integers(2, 131)),)
        return SHAPES[self.random.integers(len(SHAPES))]

    def draw_settings(self):
        """Keyword arguments of PyTorch's constructor; those of the defaults if so asked."""
        r = self.random
        pick = {
            "lr": 0.0 if r.random() < 0.02 else 10 ** r.uniform(-5, -1),
            "betas": (float(r.choice(BETA1)), float(r.choice(BETA2))),
            "eps": 10 ** r.uniform(-12, -3),
            "weight_decay": float(r.choice([0, 1e-4, 1e-2, 0.1])),
            "maximize": bool(r.random() < 0.2),
            "amsgrad": bool(r.random() < 0.3),
            "momentum": float(r.choice([0, 0.5, 0.9, 0.99])),
            "dampening": float(r.choice([0, 0, 0.1, 1.0])),
            "nesterov": bool(r.random() < 0.3),
            "centered": bool(r.random() < 0.3),
            "alpha": float(r.choice([0.9, 0.99, 0.999])),
            "rho": float(r.choice([0.9, 0.95, 0.99])),
            "lr_decay": float(r.choice([0, 0, 1e-3])),
            "momentum_decay": float(r.choice([4e-3, 1e-2, 0])),
            "decoupled_weight_decay": bool(r.random() < 0.3),
            "lambd": float(r.choice([1e-4, 0, 1e-3])),
            "t0": float(r.choice([1e6, 0, 20])),
            "etas": (0.5, 1.2),
            "step_sizes": (1e-6, 50.0),
        }
        if pick["nesterov"]:
            pick["momentum"], pick["dampening"] = pick["momentum"] or 0.9, 0.0
        own = {
            "SGD": "lr weight_decay maximize momentum dampening nesterov",
            "Adagrad": "lr weight_decay maximize lr_decay eps",
            "RMSprop": "lr weight_decay maximize alpha eps momentum centered",
            "Adadelta": "lr weight_decay maximize rho eps",
            "Adam": "lr weight_decay maximize betas eps amsgrad decoupled_weight_decay",
            "AdamW": "lr weight_decay maximize betas eps amsgrad",
            "Adamax": "lr weight_decay maximize betas eps",
            "NAdam": "lr weight_decay maximize betas eps momentum_decay decoupled_weight_decay",
            "RAdam": "lr weight_decay maximize betas eps decoupled_weight_decay",
            "ASGD": "lr weight_decay maximize lambd t0",
            "Rprop": "lr maximize etas step_sizes",
        }[self.rule]
        chosen = {key: pick[key] for key in own.split()}
        if self.rule == "Adadelta" and chosen["lr"]:
            chosen["lr"] = 10 ** r.uniform(-3, 0)
        return {} if self.defaults else chosen

    def lr_at(self, lr, t):
        """The learning rate of step t = 1, 2, ... where it changes: a cosine of its own."""
        return lr * (0.55 + 0.45 * np.cos(0.1 * t)) if self.lr_changes else lr

    def gradient(self, i, t, p):
        """Of tensor i at step t; p: its numbers now; None: it has none this step."""
        r = np.random.default_rng((self.seed, i, t))
        if self.missing and r.random() < self.missing:
            return None
        x = r.normal(size=self.shapes[i])
        if self.kind == "wide":
            most = 15 if self.dtype == "float32" else 30
            fixed = np.random.default_rng((self.seed, i)).uniform(-most, most, self.shapes[i])
            x = x * 10**fixed
        elif self.kind == "half zeros":
            x = x * (r.random(self.shapes[i]) < 0.5)
        elif self.kind == "constant":
            x = np.ones_like(x)
        elif self.kind == "signed zeros":
            x = np.where(r.random(self.shapes[i]) < 0.5, 0.0, -0.0)
        elif self.kind == "tiny":
            x = x * 1e-12
        elif self.kind == "outlier" and x.size:
            x = np.atleast_1d(x)
            x.flat[r.integers(x.size)] = 1e4
            x = x.reshape(self.shapes[i])
        elif self.kind == "closed":
            curvature = np.random.default_rng((self.seed, i)).uniform(0.1, 2, self.shapes[i])
            x = curvature * p.astype(np.float64) + 0.1 * x
        return np.asarray(x * self.scale).astype(self.dtype)
