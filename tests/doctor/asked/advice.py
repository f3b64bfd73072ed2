# SPDX-License-Identifier: Apache-2.0
"""What becomes of a training whose author does from the start what the doctor said first."""

import math
from typing import Any

import ravine
from outside.cases import Case
from outside.train import run
from outside.world import Setup, constant_rate
from ravine import _api
from ravine._library import lib, made

# What ravine.torch's optimizers take, by the battery's name of the rule.
KEYS = {
    "sgd": "momentum",
    "momentum": "momentum",
    "adam": "betas eps amsgrad",
    "adamw": "betas eps amsgrad",
    "radam": "betas eps",
    "rmsprop": "alpha eps momentum",
    "adagrad": "eps",
    "lion": "betas",
    "adan": "betas eps",
}
FLAGS = {"amsgrad", "maximize"}


def _rule(config: _api.ravine_config) -> str | None:
    """The battery's name of a rule."""
    name = lib.ravine_rule_describe(config.rule).contents.name.decode()
    if name == "sgd" and config.momentum > 0:
        return "momentum"
    return name if name in KEYS else None


def _options(rule: str, config: _api.ravine_config) -> dict[str, Any]:
    def value(key: str) -> Any:
        if key == "betas":
            names = ["beta1", "beta2", *(["beta3"] if rule == "adan" else [])]
            return tuple(getattr(config, name) for name in names)
        return bool(getattr(config, key)) if key in FLAGS else getattr(config, key)

    return {key: value(key) for key in [*KEYS[rule].split(), "weight_decay", "maximize"]}


def followed(setup: Setup, cure: Any, lr_now: float) -> Setup | None:
    """Gives a setup what a cure says; None: it is no matter of settings, or of unknown ones."""
    if cure.action != _api.RAVINE_CURE_SETTINGS or not cure.optimizer:
        return None
    config = made(_api.ravine_config)
    lib.ravine_config_parse(config, cure.optimizer.encode())
    rule = _rule(config)
    if rule is None:
        return None
    steps = setup.steps
    if cure.schedule:
        schedule = ravine.Schedule(cure.schedule)
        lr, setup.shape = 1.0, lambda progress: schedule(round(progress * steps))
    elif lr_now > 0 and math.isfinite(lr_now):
        lr = setup.lr * config.lr / lr_now  # where it stands now in its schedule
    else:
        lr, setup.shape = config.lr, constant_rate
    setup.rule, setup.lr, setup.options = rule, lr, _options(rule, config)
    return setup


def outcome(before: dict[str, Any], after: dict[str, Any]) -> str:
    """better, same or worse, by 2 %: held out, at the end."""
    first, second = before["looks"][-1]["clean"], after["looks"][-1]["clean"]
    if second is None or after["first_nonfinite"]:
        return "same" if first is None or before["first_nonfinite"] else "worse"
    if first is None or before["first_nonfinite"]:
        return "better"
    change = (second - first) / max(abs(first), abs(second), 1e-300)
    return "worse" if change > 0.02 else "better" if change < -0.02 else "same"


def follow(
    case: Case, seed: int, summary: dict[str, Any], cures: list[Any], lr_now: float
) -> dict[str, str] | None:
    """What the first cure that is a matter of settings does; None: there is none.

    "unreadable": it is said in a text that the library itself refuses.
    """
    for cure in cures:
        try:
            setup = followed(case.setup(), cure, lr_now)
        except ravine.Error:
            return {"text": cure.text, "outcome": "unreadable"}
        if setup is not None:
            return {"text": cure.text, "outcome": outcome(summary, run(setup, seed))}
    return None
