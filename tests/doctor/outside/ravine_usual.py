# SPDX-License-Identifier: Apache-2.0
"""The rates that usually learn each task of the command, by rule: found as those of usual.py."""

RATES: dict[str, dict[str, float]] = {
    "energy": {
        "sgd": 0.03,
        "momentum": 0.03,
        "adam": 3e-3,
        "adamw": 3e-3,
        "rmsprop": 1e-3,
        "adagrad_mean": 3e-3,
        "lion": 1e-3,
        "adan": 3e-3,
    },
    "classes": {
        "sgd": 0.1,
        "momentum": 0.01,
        "adam": 3e-3,
        "adamw": 3e-3,
        "rmsprop": 3e-3,
        "lion": 1e-3,
    },
    "prices": {
        "sgd": 0.1,
        "momentum": 0.01,
        "adam": 1e-3,
        "adamw": 1e-3,
        "rmsprop": 3e-3,
        "lion": 3e-4,
    },
    "mlp": {
        "sgd": 0.1,
        "momentum": 0.01,
        "adam": 1e-3,
        "adamw": 1e-3,
        "rmsprop": 3e-4,
        "lion": 1e-4,
    },
    "cnn": {"sgd": 0.1, "momentum": 0.03, "adam": 3e-3, "adamw": 3e-3, "lion": 3e-4},
    "resnet": {"momentum": 0.01, "adam": 3e-3, "adamw": 3e-3},
}
