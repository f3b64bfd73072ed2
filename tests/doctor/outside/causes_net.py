# SPDX-License-Identifier: Apache-2.0
"""Causes that stand in the network and its first weights: depth, dead units, scale, symmetry."""

import torch
from torch import nn

from outside.cause import Cause, Change
from outside.world import Examples, Setup


def _inner(net: nn.Module) -> list[nn.Module]:
    """The linear and convolutional layers that an activation follows, all but the last layer."""
    found = [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    return found[:-1]


@torch.no_grad()
def _lower(layer: nn.Module, bias: float) -> None:
    layer.bias.fill_(-bias)


def dead_relu(setup: Setup, bias: float) -> None:
    """Biases so low that no unit of the first layer ever speaks."""
    setup.change_net.append(lambda net, train: _lower(_inner(net)[0], bias))


def dead_bottleneck(setup: Setup, bias: float) -> None:
    """The same in a later layer."""

    def change(net: nn.Module, train: Examples) -> None:
        layers = _inner(net)
        _lower(layers[len(layers) // 2], bias)

    setup.change_net.append(change)


def thrown_out(setup: Setup, factor: float) -> None:
    """A first step of `factor` times the usual rate, from which ReLUs do not come back."""
    usual = setup.shape
    setup.shape = lambda progress: usual(progress) * (factor if progress == 0 else 1)


def vanishing(activation: str) -> Change:
    """Many layers whose activation flattens the signal."""

    def change(setup: Setup, depth: float) -> None:
        setup.net |= {"activation": activation, "depth": int(depth)}
        if setup.task.name == "image_deep":
            setup.net["he"] = False

    return change


def _scaled(factor: float, which: str = "") -> Change:
    """Weights whose names have `which` in them times a factor."""

    @torch.no_grad()
    def change(net: nn.Module, train: Examples) -> None:
        for name, p in net.named_parameters():
            if p.dim() > 1 and which in name:
                p *= factor

    return change


def exploding_time(setup: Setup, factor: float) -> None:
    """A recurrent matrix that makes everything larger at every moment."""
    if setup.task.name == "memory_rnn":
        setup.net["activation"] = "relu"
    setup.change_net.append(_scaled(factor, "weight_hh"))


def exploding_depth(setup: Setup, factor: float) -> None:
    """Layer after layer that makes everything larger."""
    if setup.task.name in ("table_classes", "table_energy", "table_counts", "image_autoencoder"):
        setup.net["depth"] = 8
        setup.net["he"] = True
    setup.change_net.append(_scaled(factor))


def saturated(setup: Setup, factor: float) -> None:
    """Weights so large that tanh and sigmoid stand at their ends."""
    setup.net["activation"] = "tanh"
    setup.change_net.append(_scaled(factor))


def symmetric(setup: Setup, value: float) -> None:
    """Every weight is the same number, and every bias 0."""

    @torch.no_grad()
    def change(net: nn.Module, train: Examples) -> None:
        for p in net.parameters():
            p.fill_(value if p.dim() > 1 else 0.0)

    setup.change_net.append(change)


def dropout_heavy(setup: Setup, share: float) -> None:
    """Nineteen units in twenty are dropped."""
    setup.net["dropout"] = share


def output_relu(setup: Setup, strength: float) -> None:
    """A ReLU after the last layer: half of the answers cannot be said."""
    setup.change_net.append(
        lambda net, train: net.register_forward_hook(lambda m, i, out: out.relu()) and None
    )


def norm_never_trains(setup: Setup, strength: float) -> None:
    """eval() while training: batch norms use the mean 0 and deviation 1 that they start with."""
    setup.mode = "eval"
    if setup.task.name != "image_resnet":
        setup.net["norm"] = True
    setup.change_net.append(_scaled(strength))


def norm_stale(setup: Setup, strength: float) -> None:
    """Batch norms that do not keep their means: held out, the net sees other numbers."""
    if setup.task.name != "image_resnet":
        setup.net["norm"] = True

    def change(net: nn.Module, train: Examples) -> None:
        for module in net.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.momentum = 0.0

    setup.change_net.append(change)


CAUSES = [
    Cause(
        "dead_relu",
        "The biases of the first layer are so low that none of its ReLUs ever speaks.",
        dead_relu,
        [
            (12, "image_dense table_energy", "sgd adam"),
            (12, "table_classes image_deep", "momentum"),
            (12, "image_cnn points_denoise", "adam"),
            (12, "table_counts", "rmsprop"),
        ],
    ),
    Cause(
        "dead_bottleneck",
        "The biases of a layer in the middle are so low that none of its ReLUs ever speaks.",
        dead_bottleneck,
        [
            (10, "image_autoencoder table_classes", "sgd adam"),
            (10, "image_deep image_dense", "momentum"),
            (10, "image_cnn table_energy", "adam"),
        ],
    ),
    Cause(
        "thrown_out",
        "The first step is hundreds of times too long and kills most of the units.",
        thrown_out,
        [
            (300, "image_dense table_classes image_autoencoder", "adam"),
            (1000, "image_cnn image_deep", "rmsprop"),
            (1000, "table_energy points_denoise", "adam"),
        ],
    ),
    Cause(
        "vanishing_sigmoid",
        "Ten layers of sigmoids: hardly any gradient reaches the first ones.",
        vanishing("sigmoid"),
        [
            (10, "image_dense table_classes table_energy", "sgd adam"),
            (10, "table_counts points_denoise", "momentum"),
            (10, "image_autoencoder", "adam"),
        ],
    ),
    Cause(
        "vanishing_tanh",
        "Dozens of layers of tanh with small weights: hardly any gradient reaches the first ones.",
        vanishing("tanh"),
        [
            (24, "image_deep table_classes", "sgd momentum"),
            (24, "table_energy image_dense", "sgd"),
            (32, "table_bands", "momentum"),
        ],
    ),
    Cause(
        "exploding_time",
        "The recurrent matrix enlarges the state at every moment: gradients explode in time.",
        exploding_time,
        [
            (2, "memory_rnn", "sgd momentum"),
            (4, "memory_rnn", "adam rmsprop adamw"),
            (20, "series_gru text_lstm", "sgd adam"),
        ],
    ),
    Cause(
        "exploding_depth",
        "The first weights enlarge the signal at every layer: gradients explode in depth.",
        exploding_depth,
        [
            (3, "image_deep table_classes", "sgd adam"),
            (3, "table_energy table_counts", "momentum"),
            (4, "image_autoencoder", "adam"),
            (4, "image_deep", "rmsprop"),
        ],
    ),
    Cause(
        "saturated",
        "The first weights are so large that every tanh stands at an end.",
        saturated,
        [
            (40, "image_dense table_classes", "sgd adam"),
            (40, "table_energy table_bands", "momentum"),
            (40, "image_autoencoder image_cnn", "sgd"),
        ],
    ),
    Cause(
        "symmetric",
        "Every weight starts as the same number: all units of a layer stay the same.",
        symmetric,
        [
            (0, "image_dense table_classes", "sgd adam"),
            (0, "image_autoencoder image_cnn", "momentum"),
            (0.02, "image_deep table_counts", "sgd"),
            (0.02, "text_pre sums", "adam"),
        ],
    ),
    Cause(
        "dropout_heavy",
        "Nineteen in twenty units are dropped at every step.",
        dropout_heavy,
        [
            (0.95, "image_dense table_classes image_autoencoder", "adam sgd"),
            (0.95, "text_lstm image_cnn", "adamw"),
            (0.95, "table_energy", "momentum"),
        ],
    ),
    Cause(
        "output_relu",
        "A ReLU follows the last layer: half of the answers cannot be said.",
        output_relu,
        [
            (None, "table_energy series_gru", "adam sgd"),
            (None, "table_linear points_denoise", "momentum"),
            (None, "words", "adam sgd"),
        ],
    ),
    Cause(
        "norm_never_trains",
        "The net is in eval() while it trains: its batch norms normalize nothing.",
        norm_never_trains,
        [
            (3, "image_deep", "sgd adam"),
            (6, "image_resnet", "sgd momentum"),
            (5, "table_classes image_autoencoder", "sgd"),
            (10, "image_dense", "adam"),
        ],
        control="batch_norm",
    ),
    Cause(
        "norm_stale",
        "The batch norms do not keep their means: in eval() the net sees other numbers.",
        norm_stale,
        [
            (None, "image_resnet image_dense", "adam momentum"),
            (None, "table_classes image_autoencoder image_deep", "adam"),
        ],
        control="batch_norm",
    ),
]
