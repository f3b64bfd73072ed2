"""Causes and kinds of healthy runs for the command: keys of its configuration."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from outside import ravine_data
from outside.cause import Cause
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


def _small_batch(command: Command, batch: float) -> None:
    command.batch, command.epochs = int(batch), 12


def _small_batch_decayed(command: Command, batch: float) -> None:
    _small_batch(command, batch)
    command.schedule = "cosine(100%, to=0)"


def _one(command: Command, factor: float) -> None:
    command.batch, command.epochs = 1, 2
    command.lr *= factor


def _large_batch(command: Command, batch: float) -> None:
    command.batch = int(batch)
    command.epochs *= 3
    command.lr *= 2


def _few(command: Command, rows: float) -> None:
    """A tiny training set with some wrong targets, gone through as often as a large one takes."""

    def cut(table: Table, draw: random.Random) -> None:
        if len(table.header) > 1:
            draw.shuffle(table.rows)
            del table.rows[2 * int(rows) :]
        ravine_data.blur(table, draw, 0.3)

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


BROKEN_CAUSES = [
    Cause(
        "rate_too_high",
        "The learning rate is 30, 100 or 1,000 times the usual one.",
        _rate,
        [
            (30, "energy mlp cnn", "sgd"),
            (30, "resnet", "momentum"),
            (100, "energy mlp cnn", "adamw lion"),
            (100, "classes prices mlp", "momentum"),
            (300, "classes prices mlp", "adam rmsprop"),
            (1000, "energy", "adagrad_mean adan"),
            (1000, "cnn classes", "adamw sgd"),
        ],
    ),
    Cause(
        "rate_too_low",
        "The learning rate is the usual one divided by 100, 1,000 or 10,000.",
        _slow,
        [
            (100, "energy mlp cnn", "sgd adamw lion"),
            (100, "resnet", "momentum adam"),
            (1000, "classes prices mlp", "momentum adam rmsprop"),
            (1000, "energy", "adagrad_mean adan"),
            (10000, "energy cnn classes", "adamw sgd"),
        ],
    ),
    Cause(
        "noise_floor",
        "The rate is constant and the batches are small: the loss stays where noise holds it.",
        _small_batch,
        [(2, "energy prices", "sgd adamw rmsprop"), (2, "classes", "adamw momentum")],
        judge="floor",
        control="small_batch_decayed",
    ),
    Cause(
        "batch_of_one_rate",
        "Each step sees one example, at a rate for many.",
        _one,
        [(10, "energy prices classes", "adamw"), (3, "energy prices classes", "momentum")],
        control="batch_of_one",
    ),
    Cause(
        "momentum_high",
        "The momentum is 0.999, with the rate that is usual for 0.9.",
        _setting("momentum"),
        [(0.999, "energy prices mlp classes", "momentum")],
    ),
    Cause(
        "beta2_small",
        "beta2 is so small that the scale follows single gradients.",
        _setting("beta2"),
        [(0.3, "energy mlp", "adamw adam"), (0.1, "classes prices", "adamw")],
    ),
    Cause(
        "eps_large",
        "eps is 10 and outweighs the gradient's size: steps hardly move anything.",
        _setting("eps"),
        [(10, "energy classes mlp cnn", "adamw"), (10, "prices", "adam rmsprop")],
    ),
    Cause(
        "decay_strong",
        "The weight decay outweighs the gradient: the net is pulled to 0.",
        _setting("weight_decay"),
        [(100, "energy classes mlp", "adamw"), (1, "prices mlp", "sgd")],
    ),
    Cause(
        "clip_small",
        "The gradients' norm is clipped to a hundredth of its usual size or less.",
        _key("clip_norm"),
        [(1e-3, "energy mlp cnn", "sgd"), (1e-4, "classes prices", "momentum")],
    ),
    Cause(
        "dropout_heavy",
        "Nineteen in twenty units are dropped at every step.",
        _key("model.dropout"),
        [(0.95, "energy mlp classes", "adamw"), (0.95, "prices cnn", "momentum")],
    ),
    Cause(
        "rate_zero",
        "The learning rate is 0.",
        _zero,
        [(None, "energy mlp", "adamw"), (None, "classes cnn", "sgd"), (None, "prices", "lion")],
    ),
    Cause(
        "schedule_over",
        "The schedule was made for a fraction of the steps; lr is 0 for the rest.",
        _schedule("cosine(STRENGTH%, to=0)"),
        [(3, "mlp cnn", "sgd"), (2, "energy prices", "adamw"), (3, "classes", "momentum")],
    ),
    Cause(
        "decays_each_step",
        "lr is multiplied with 0.9 or 0.8 at each step, as was meant for each epoch.",
        _schedule("decay(gamma=STRENGTH)"),
        [(0.8, "mlp energy", "adamw"), (0.9, "classes prices", "momentum"), (0.9, "cnn", "sgd")],
    ),
    Cause(
        "warmup_endless",
        "The warm-up is longer than a thousand runs: lr has hardly begun to rise at the end.",
        _schedule("warmup(1000000)"),
        [(None, "mlp energy", "adamw"), (None, "cnn classes", "sgd"), (None, "prices", "momentum")],
    ),
    Cause(
        "labels_shuffled",
        "Targets belong to other rows: there is nothing to learn but the constant.",
        _spoil(ravine_data.shuffle),
        [(None, "energy classes mlp", "adamw sgd"), (None, "prices cnn", "momentum")],
    ),
    Cause(
        "labels_noisy",
        "Seven targets in ten belong to other rows: a floor that no setting lowers.",
        _spoil(ravine_data.blur, test=True),
        [(0.7, "energy mlp", "sgd"), (0.7, "classes", "adamw"), (0.7, "prices", "rmsprop")],
    ),
    Cause(
        "few_examples",
        "The training set is tiny: it is learned by heart and the test loss rises.",
        _few,
        [
            (64, "energy classes prices", "adamw"),
            (64, "classes prices", "momentum lion"),
            (256, "mlp cnn", "adamw momentum"),
        ],
        judge="overfit",
    ),
    Cause(
        "wild_rows",
        "A target in 200 is in other units: the loss leaps whenever one comes.",
        _spoil(ravine_data.wild),
        [(1000, "energy prices", "adamw sgd momentum")],
        judge="leaps",
    ),
]

HEALTHY_KINDS = [
    Cause("usual", "Everything as usual, at a constant rate.", _nothing, [], judge="healthy"),
    Cause(
        "warmup_cosine",
        "Warm-up, then a cosine to 0.",
        _schedule("warmup(5%) cosine(95%, to=0)", 2),
        [(None, "energy mlp cnn resnet", "adamw momentum"), (None, "prices classes", "lion sgd")],
        judge="healthy",
    ),
    Cause(
        "stable_then_decay",
        "A constant rate that falls in a line to 0 over the last quarter.",
        _schedule("warmup(5%) constant(70%) linear(25%, to=0)"),
        [(None, "energy mlp", "adamw"), (None, "cnn", "sgd"), (None, "prices", "rmsprop")],
        judge="healthy",
    ),
    Cause(
        "step_decay",
        "lr falls to a tenth at half the run and at three quarters.",
        _schedule("multistep(50%, 75%, gamma=0.1)"),
        [(None, "energy resnet", "momentum"), (None, "mlp", "sgd"), (None, "classes", "adam")],
        judge="healthy",
    ),
    Cause(
        "exponential_decay",
        "lr falls by the same factor at each step.",
        _schedule("exponential(100%, to=1e-5)"),
        [(None, "energy classes", "adamw"), (None, "cnn", "adam")],
        judge="healthy",
    ),
    Cause(
        "restarts",
        "Cosines to 0, each from the full rate.",
        _schedule("restarts(period=250)"),
        [(None, "energy mlp", "momentum"), (None, "prices classes", "adamw")],
        judge="healthy",
    ),
    Cause(
        "cyclic",
        "lr goes up and down.",
        _schedule("triangular(100, from=1e-5)"),
        [(None, "mlp prices", "sgd"), (None, "energy", "adamw")],
        judge="healthy",
    ),
    Cause(
        "batch_of_one",
        "One example a step, at a rate for one.",
        _one,
        [(0.3, "energy prices classes", "adamw"), (0.1, "energy prices classes", "momentum")],
        judge="healthy",
    ),
    Cause(
        "small_batch_decayed",
        "Small batches, at a rate that falls to 0 over the run.",
        _small_batch_decayed,
        [(2, "energy prices", "sgd adamw rmsprop"), (2, "classes", "adamw momentum")],
        judge="healthy",
    ),
    Cause(
        "clipping",
        "The gradients' norm is clipped now and then.",
        _key("clip_norm"),
        [(1, "energy mlp", "sgd"), (1, "cnn classes", "momentum")],
        judge="healthy",
    ),
    Cause(
        "large_batch",
        "Batches of 256, with a rate to match.",
        _large_batch,
        [(256, "energy mlp", "sgd"), (256, "prices", "adamw")],
        judge="healthy",
    ),
    Cause(
        "decay_usual",
        "A weight decay as people use it.",
        _setting("weight_decay"),
        [(0.1, "mlp classes", "adamw"), (1e-3, "resnet", "momentum"), (1e-4, "energy", "sgd")],
        judge="healthy",
    ),
    Cause(
        "dropout_usual",
        "A tenth of the units is dropped.",
        _key("model.dropout"),
        [(0.1, "mlp prices", "adamw"), (0.1, "cnn", "momentum")],
        judge="healthy",
    ),
    Cause(
        "converged",
        "All is learned, and the rate fell in time: the loss stands because it is done.",
        _long,
        [(1.5, "energy prices", "momentum adamw")],
        judge="healthy",
    ),
]
BROKEN = {cause.name: cause for cause in BROKEN_CAUSES}
HEALTHY = {kind.name: kind for kind in HEALTHY_KINDS}
