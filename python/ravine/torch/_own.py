# SPDX-License-Identifier: Apache-2.0
"""The optimizers that PyTorch does not have.

Arguments and defaults are the library's: the settings of the rule, with beta1, beta2, ... as
`betas`. Formulas, bounds and papers are in docs/rules/.
"""

import inspect
from typing import Any

from ravine import _api
from ravine._library import lib, made
from ravine._optimizer import choices_of
from ravine.torch._optimizer import OURS, Optimizer


def _settings_of(rule: str) -> dict[str, Any]:
    """The settings of a rule with their defaults, of the types that Python has for them."""
    number = lib.ravine_rule_find(rule.encode())
    config = made(_api.ravine_config)
    lib.ravine_config_init(config, number)
    info = lib.ravine_rule_describe(number).contents
    settings: dict[str, Any] = {}
    for setting in sorted(info.setting[: info.nsettings]):
        described = lib.ravine_setting_describe(setting).contents
        value = lib.ravine_config_get(config, setting)
        if described.kind == _api.RAVINE_KIND_CHOICE:
            value = choices_of(setting)[int(value)]
        elif described.kind == _api.RAVINE_KIND_FLAG:
            value = bool(value)
        settings[described.name.decode()] = value
    del settings["ema_decay"]  # of step()
    return settings


_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
_NAMED = inspect.Parameter.KEYWORD_ONLY


class _Own(Optimizer):
    """Makes the constructor of a rule of the library."""

    defaults_of_rule: dict[str, Any]

    def __init_subclass__(cls, **kwargs):
        """Reads the rule's settings."""
        settings = _settings_of(cls.rule)
        betas = tuple(name for name in settings if name.startswith("beta"))
        cls.keys = {name: (name,) for name in settings if name not in betas}
        cls.defaults_of_rule = {name: settings[name] for name in cls.keys}
        if betas:
            cls.keys["betas"] = betas
            cls.defaults_of_rule["betas"] = tuple(settings[name] for name in betas)
        cls.__signature__ = inspect.Signature(
            [inspect.Parameter("params", _POSITIONAL)]
            + [
                inspect.Parameter(name, _POSITIONAL if name == "lr" else _NAMED, default=value)
                for name, value in cls.defaults_of_rule.items()
            ]
            + OURS
        )
        super().__init_subclass__(**kwargs)

    def __init__(self, params, lr=None, **settings):
        """The rule's settings, by name; lr may come second."""
        ours = {p.name: settings.pop(p.name) for p in OURS if p.name in settings}
        if lr is not None:
            settings["lr"] = lr
        for name in settings:
            if name not in self.keys:
                raise TypeError(
                    f"{type(self).__name__} has no argument {name}; it has {', '.join(self.keys)}"
                )
        super().__init__(params, self.defaults_of_rule | settings, **ours)


class AdagradMean(_Own):
    """Adagrad with the root MEAN square of all gradients, as the lecture has it."""

    rule = "adagrad_mean"


class Lion(_Own):
    """The sign of a mixed momentum: Chen et al. 2023, Algorithm 2."""

    rule = "lion"


class Signum(_Own):
    """The sign of the momentum: Bernstein et al. 2018, Algorithm 2."""

    rule = "signum"


class AdaBelief(_Own):
    """Adam whose scale measures surprise, (g - m)^2: Zhuang et al. 2020, Algorithm 2."""

    rule = "adabelief"


class Yogi(_Own):
    """Adam whose scale moves by g^2 at most: Zaheer et al. 2018, Algorithm 2."""

    rule = "yogi"


class Adan(_Own):
    """Adam with the gradient's change as a second momentum: Xie et al. 2022, Algorithm 1.

    Betas are shares that stay: 1 minus those of the paper.
    """

    rule = "adan"


class ADOPT(_Own):
    """Adam that converges with any beta2: Taniguchi et al. 2024, Algorithm 2."""

    rule = "adopt"


class Lamb(_Own):
    """Adam whose step is as long as its tensor is large: You et al. 2020, Algorithm 2."""

    rule = "lamb"
