# SPDX-License-Identifier: Apache-2.0
"""Causes and kinds of healthy runs for the command: keys of its configuration."""

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from outside import ravine_data
from outside.cause import Cause, Change, Rows
from outside.causes import BROKEN as BROKEN_THERE
from outside.causes import HEALTHY as HEALTHY_THERE
from outside.ravine_data import Table


@dataclass
class Command:
    """What `ravine train` is asked for."""

    rule: str  # with settings that belong to it
    lr: float
    epochs: int
    batch: int
    settings: dict[str, float] = field(default_factory=dict)  # of the optimizer, beside lr
    schedule: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    spoil: list[Callable[[Table, random.Random], None]] = field(default_factory=list)
    spoils_test: bool = False  # of images: the test labels too
    images: int = ravine_data.TRAIN  # to train on

    def optimizer(self) -> str:
        """The text form; later settings win over those of the rule."""
        name, *own = self.rule.split()
        settings = dict(setting.split("=") for setting in own)
        settings |= {key: f"{value:g}" for key, value in self.settings.items()}
        if not self.schedule:
            settings["lr"] = f"{self.lr:g}"
        return " ".join([name, *(f"{key}={value}" for key, value in settings.items())])


def _rate(command: Command, factor: float) -> None:
    command.lr *= factor


def _slow(command: Command, factor: float) -> None:
    command.lr /= factor


def _zero(command: Command, strength: float) -> None:
    command.lr = 0.0


def _setting(name: str):
    def change(command: Command, value: float) -> None:
        command.settings[name] = value

    return change


def _key(name: str):
    def change(command: Command, value: float) -> None:
        command.keys[name] = f"{value:g}"

    return change


def _schedule(text: str, factor: float = 1.0):
    def change(command: Command, strength: float) -> None:
        command.schedule = text.replace("STRENGTH", f"{strength:g}")
        command.lr *= factor

    return change


def _spoil(what: Callable[[Table, random.Random, float], None], test: bool = False):
    def change(command: Command, strength: float) -> None:
        command.spoil.append(lambda table, draw: what(table, draw, strength))
        command.spoils_test = test

    return change


def _small_batch(command: Command, factor: float) -> None:
    command.batch, command.epochs = 2, 12
    command.lr *= factor


# What stays at a floor with batches of 2 at a constant rate: factors on the usual ones.
SMALL_BATCHES: Rows = [
    (3, "energy", "sgd"),
    (1, "prices", "sgd"),
    (1, "energy", "adamw"),
    (3, "energy prices", "rmsprop"),
    (10, "classes", "adamw"),
    (3, "prices", "adamw"),
    (3, "classes", "momentum"),
]


def _small_batch_decayed(command: Command, factor: float) -> None:
    _small_batch(command, factor)
    command.schedule = "cosine(100%, to=0)"


def _one(command: Command, factor: float) -> None:
    command.batch, command.epochs = 1, 2
    command.lr *= factor


def _large_batch(command: Command, batch: float) -> None:
    command.batch = int(batch)
    command.epochs *= 3
    command.lr *= 2


def _few(command: Command, rows: float) -> None:
    """A tiny training set with many wrong targets, gone through as often as a large one takes."""

    def cut(table: Table, draw: random.Random) -> None:
        if len(table.header) > 1:
            draw.shuffle(table.rows)
            del table.rows[2 * int(rows) :]
        ravine_data.blur(table, draw, 0.5)

    command.spoil.append(cut)
    command.keys["data.test_share"] = "0.5"
    command.images = int(rows)
    command.batch = 16
    command.epochs = 1024 // (int(rows) // 16)


def _long(command: Command, factor: float) -> None:
    command.epochs = int(command.epochs * factor)
    command.schedule = "constant(30%) exponential(70%, to=1e-6)"


def _nothing(command: Command, strength: float) -> None:
    pass


def _again(name: str, change: Change, rows: Rows) -> Cause:
    """What the runs in PyTorch have under this name, made for the command."""
    return dataclasses.replace((BROKEN_THERE | HEALTHY_THERE)[name], change=change, rows=rows)


BROKEN_CAUSES = [
    _again(
        "rate_too_high",
        _rate,
        [
            (30, "energy mlp cnn", "sgd"),
            (100, "resnet", "momentum"),
            (100, "mlp cnn", "adamw lion"),
            (300, "energy", "adamw lion"),
            (100, "classes prices mlp", "momentum"),
            (300, "classes mlp", "adam rmsprop"),
            (1000, "prices", "adam rmsprop"),
            (1000, "energy", "adagrad_mean adan"),
            (1000, "cnn classes", "adamw sgd"),
        ],
    ),
    _again(
        "rate_too_low",
        _slow,
        [
            (100, "energy mlp cnn", "sgd adamw lion"),
            (100, "resnet", "momentum adam"),
            (1000, "classes prices mlp", "momentum adam rmsprop"),
            (1000, "energy", "adagrad_mean adan"),
            (10000, "energy cnn classes", "adamw sgd"),
        ],
    ),
    _again(
        "noise_floor",
        _small_batch,
        SMALL_BATCHES,
    ),
    _again(
        "batch_of_one_rate",
        _one,
        [
            (30, "energy prices", "adamw"),
            (30, "classes", "adamw"),
            (3, "energy prices classes", "momentum"),
        ],
    ),
    _again(
        "momentum_high",
        _setting("momentum"),
        [(0.999, "energy prices mlp classes", "momentum")],
    ),
    _again(
        "beta2_small",
        _setting("beta2"),
        [(0.3, "energy mlp", "adamw adam"), (0.1, "cnn", "adamw")],
    ),
    _again(
        "eps_large",
        _setting("eps"),
        [(10, "energy classes mlp cnn", "adamw"), (10, "prices", "adam rmsprop")],
    ),
    _again(
        "decay_strong",
        _setting("weight_decay"),
        [(100, "energy classes mlp", "adamw"), (1, "prices mlp", "sgd")],
    ),
    _again(
        "clip_small",
        _key("clip_norm"),
        [(1e-3, "energy mlp cnn", "sgd"), (1e-4, "classes prices", "momentum")],
    ),
    _again(
        "dropout_heavy",
        _key("model.dropout"),
        [(0.95, "energy mlp classes", "adamw"), (0.95, "prices cnn", "momentum")],
    ),
    _again(
        "rate_zero",
        _zero,
        [(None, "energy mlp", "adamw"), (None, "classes cnn", "sgd"), (None, "prices", "lion")],
    ),
    _again(
        "schedule_over",
        _schedule("cosine(STRENGTH%, to=0)"),
        [(2, "mlp cnn", "sgd"), (2, "energy prices", "adamw"), (3, "classes", "momentum")],
    ),
    _again(
        "decays_each_step",
        _schedule("decay(gamma=STRENGTH)"),
        [(0.8, "mlp energy", "adamw"), (0.9, "classes prices", "momentum"), (0.9, "cnn", "sgd")],
    ),
    _again(
        "warmup_endless",
        _schedule("warmup(1000000)"),
        [(None, "mlp energy", "adamw"), (None, "cnn classes", "sgd"), (None, "prices", "momentum")],
    ),
    _again(
        "labels_shuffled",
        _spoil(ravine_data.shuffle),
        [(None, "energy classes mlp", "adamw sgd"), (None, "prices cnn", "momentum")],
    ),
    _again(
        "labels_noisy",
        _spoil(ravine_data.blur, test=True),
        [(0.7, "energy mlp", "sgd"), (0.7, "classes", "adamw"), (0.7, "prices", "rmsprop")],
    ),
    _again(
        "few_examples",
        _few,
        [
            (32, "energy", "adamw"),
            (64, "classes prices", "adamw"),
            (64, "classes prices", "momentum lion"),
            (256, "mlp cnn", "adamw momentum"),
        ],
    ),
    _again(
        "wild_rows",
        _spoil(ravine_data.wild),
        [(1000, "energy prices", "adamw sgd momentum")],
    ),
]
HEALTHY_KINDS = [
    _again("usual", _nothing, []),
    _again("usual_decayed", _schedule("constant(75%) linear(25%, to=0)"), []),
    _again(
        "warmup_cosine",
        _schedule("warmup(5%) cosine(95%, to=0)", 2),
        [(None, "energy mlp cnn resnet", "adamw momentum"), (None, "prices classes", "lion sgd")],
    ),
    _again(
        "stable_then_decay",
        _schedule("warmup(5%) constant(70%) linear(25%, to=0)"),
        [(None, "energy mlp", "adamw"), (None, "cnn", "sgd"), (None, "prices", "rmsprop")],
    ),
    _again(
        "step_decay",
        _schedule("multistep(50%, 75%, gamma=0.1)"),
        [(None, "energy resnet", "momentum"), (None, "mlp", "sgd"), (None, "classes", "adam")],
    ),
    _again(
        "exponential_decay",
        _schedule("exponential(100%, to=1e-5)"),
        [(None, "energy classes", "adamw"), (None, "cnn", "adam")],
    ),
    _again(
        "restarts",
        _schedule("restarts(period=250)"),
        [(None, "energy mlp", "momentum"), (None, "prices classes", "adamw")],
    ),
    _again(
        "cyclic",
        _schedule("triangular(100, from=1e-5)"),
        [(None, "mlp prices", "sgd"), (None, "energy", "adamw")],
    ),
    _again(
        "batch_of_one",
        _one,
        [(0.3, "energy prices classes", "adamw"), (0.1, "energy prices classes", "momentum")],
    ),
    _again(
        "small_batch_decayed",
        _small_batch_decayed,
        SMALL_BATCHES,
    ),
    _again(
        "clipping",
        _key("clip_norm"),
        [(1, "energy mlp", "sgd"), (1, "cnn classes", "momentum")],
    ),
    _again(
        "large_batch",
        _large_batch,
        [(256, "energy mlp", "sgd"), (256, "prices", "adamw")],
    ),
    _again(
        "decay_usual",
        _setting("weight_decay"),
        [(0.1, "mlp classes", "adamw"), (1e-3, "resnet", "momentum"), (1e-4, "energy", "sgd")],
    ),
    _again(
        "dropout_usual",
        _key("model.dropout"),
        [(0.1, "mlp prices", "adamw"), (0.1, "cnn", "momentum")],
    ),
    _again(
        "converged",
        _long,
        [(1.5, "energy prices", "momentum adamw")],
    ),
]
BROKEN = {cause.name: cause for cause in BROKEN_CAUSES}
HEALTHY = {kind.name: kind for kind in HEALTHY_KINDS}
