# SPDX-License-Identifier: Apache-2.0
"""Causes that stand in the loop and the loss: what is trained, when gradients go, what is asked."""

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from outside.cause import Cause
from outside.parts import stages
from outside.world import Examples, Setup


def frozen(setup: Setup, strength: float) -> None:
    """Nothing but the last bias requires a gradient."""

    def change(net: nn.Module, train: Examples) -> None:
        *others, last = net.parameters()
        for p in others:
            p.requires_grad_(False)

    setup.change_net.append(change)


def other_parameters(setup: Setup, strength: float) -> None:
    """The optimizer was given the parameters of a copy."""
    setup.trained = lambda net: copy.deepcopy(net).parameters()


def part_missing(setup: Setup, strength: float) -> None:
    """The optimizer was given the last layer alone."""
    setup.trained = lambda net: stages(net)[-1].parameters()


def first_missing(setup: Setup, strength: float) -> None:
    """The optimizer was given all but the first layer or embedding."""

    def trained(net: nn.Module) -> list[nn.Parameter]:
        first = set(stages(net)[0].parameters())
        return [p for p in net.parameters() if p not in first]

    setup.trained = trained


def zeroed_before_step(setup: Setup, strength: float) -> None:
    """zero_grad() between backward() and step()."""
    setup.zero = "between"


def never_zeroed(setup: Setup, strength: float) -> None:
    """No zero_grad() at all."""
    setup.zero = "never"


def detached(setup: Setup, strength: float) -> None:
    """detach() in the middle of the net."""

    def cut(module: nn.Module, inputs: object, output: Tensor | tuple) -> Tensor | tuple:
        if isinstance(output, tuple):
            return (output[0].detach(), *output[1:])
        return output.detach()

    def change(net: nn.Module, train: Examples) -> None:
        parts = stages(net)
        parts[max(0, len(parts) - 2)].register_forward_hook(cut)

    setup.change_net.append(change)


def ascent(setup: Setup, strength: float) -> None:
    """The loss with a minus, or maximize=True: it is made larger."""
    if strength:
        setup.options["maximize"] = True
    else:
        setup.sign = -1.0


def softmax_twice(setup: Setup, strength: float) -> None:
    """softmax() before a loss that does it too."""
    of_logits = setup.loss
    setup.criterion = lambda outputs, target: of_logits(outputs.softmax(1), target)


def loss_of_pairs(setup: Setup, strength: float) -> None:
    """Predictions of a column against targets of a row: every one is compared with all targets."""
    setup.criterion = lambda outputs, target: (
        (outputs.reshape(-1, 1) - target.reshape(1, -1)).square().mean()
    )


def log_of_zero(setup: Setup, scale: float) -> None:
    """A cross-entropy written out by hand, which asks for log(0) once the net is sure."""

    def by_hand(outputs: Tensor, target: Tensor) -> Tensor:
        p = (outputs * scale).sigmoid()
        truth = F.one_hot(target, p.shape[1]).float()
        return -(truth * p.log() + (1 - truth) * (1 - p).log()).mean()

    def of_numbers(outputs: Tensor, target: Tensor) -> Tensor:
        return (outputs.relu().log() - (target - target.min() + 1).log()).square().mean()

    setup.criterion = by_hand if setup.task.classes else of_numbers


CAUSES = [
    Cause(
        "frozen",
        "Nothing but the last bias requires a gradient.",
        frozen,
        [
            (None, "image_dense table_classes", "adam sgd"),
            (None, "text_pre image_cnn", "adamw"),
            (None, "image_autoencoder series_gru", "momentum"),
        ],
        judge="still",
    ),
    Cause(
        "other_parameters",
        "The optimizer has the parameters of another model.",
        other_parameters,
        [
            (None, "image_dense table_energy", "adam sgd"),
            (None, "text_lstm image_resnet", "adamw"),
            (None, "points_denoise", "momentum"),
        ],
        judge="still",
    ),
    Cause(
        "part_missing",
        "The optimizer has the last layer alone; the others stay as they began.",
        part_missing,
        [
            (None, "text_pre text_lstm", "adamw"),
            (None, "image_deep image_autoencoder table_bands", "adam"),
            (None, "image_dense image_resnet", "momentum"),
        ],
        judge="still",
    ),
    Cause(
        "first_missing",
        "The optimizer does not have the first layer or embedding, which stays as it began.",
        first_missing,
        [
            (None, "sums text_pre words", "adam"),
            (None, "image_dense image_autoencoder", "momentum"),
            (None, "image_cnn", "sgd"),
        ],
        judge="part",
    ),
    Cause(
        "zeroed_before_step",
        "zero_grad() stands between backward() and step(): every gradient is 0.",
        zeroed_before_step,
        [
            (None, "image_dense table_energy", "adam sgd"),
            (None, "text_pre image_cnn", "adamw"),
            (None, "table_bands", "momentum"),
        ],
        judge="still",
    ),
    Cause(
        "detached",
        "detach() in the middle of the net: what lies before it gets no gradient.",
        detached,
        [
            (None, "image_dense image_deep", "adam sgd"),
            (None, "text_pre text_lstm", "adamw"),
            (None, "image_autoencoder image_cnn", "momentum"),
        ],
        judge="part",
    ),
    Cause(
        "never_zeroed",
        "Gradients are never set to 0: every step repeats all earlier ones.",
        never_zeroed,
        [
            (None, "image_dense table_energy table_classes", "sgd adam"),
            (None, "image_cnn series_gru", "momentum"),
            (None, "text_pre", "adamw"),
        ],
    ),
    Cause(
        "ascent",
        "The loss is made larger: a minus before it, or maximize=True.",
        ascent,
        [
            (None, "table_energy image_dense", "sgd adam"),
            (None, "text_lstm", "adamw"),
            (1, "table_classes image_cnn", "adam momentum"),
        ],
    ),
    Cause(
        "softmax_twice",
        "The loss does a softmax, and the net has done one already.",
        softmax_twice,
        [
            (None, "image_dense table_classes", "sgd adam"),
            (None, "image_cnn memory_rnn", "momentum"),
            (None, "text_lstm", "adamw"),
        ],
        judge="own",
    ),
    Cause(
        "loss_of_pairs",
        "By broadcasting, each prediction is compared with the targets of the whole batch.",
        loss_of_pairs,
        [
            (None, "table_energy table_linear", "sgd adam"),
            (None, "series_gru factors", "adam momentum"),
        ],
    ),
    Cause(
        "log_of_zero",
        "The loss is written out by hand and asks for the logarithm of 0.",
        log_of_zero,
        [
            (30, "image_dense", "adam momentum"),
            (100, "table_classes", "adam momentum"),
            (60, "image_cnn", "adam momentum"),
            (30, "sums", "adamw"),
            (1, "table_energy table_linear", "sgd"),
        ],
        judge="nonfinite",
    ),
]
