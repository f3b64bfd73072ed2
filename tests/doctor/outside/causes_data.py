# SPDX-License-Identifier: Apache-2.0
"""Causes that stand in the data: scale, labels, order, broken rows, a run that is resumed."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from outside.cause import Cause
from outside.world import Examples, Setup, Training


def _both(change: Callable[[Tensor], Tensor]) -> Callable[[Examples, Examples, object], None]:
    """A change of the first inputs of both parts."""

    def apply(train: Examples, held: Examples, random: object) -> None:
        for part in (train, held):
            part.inputs = (change(part.inputs[0]), *part.inputs[1:])

    return apply


def unscaled(setup: Setup, factor: float) -> None:
    """Inputs in their own units, far from 0 and 1."""
    setup.change_data.append(_both(lambda x: factor * (x + 1)))


def unscaled_column(setup: Setup, factor: float) -> None:
    """One column in other units."""

    def change(x: Tensor) -> Tensor:
        x = x.clone()
        x[..., 0] *= factor
        return x

    setup.change_data.append(_both(change))


def blank(setup: Setup, factor: float) -> None:
    """Inputs scaled to nothing; of symbols, the same one everywhere."""

    def change(x: Tensor) -> Tensor:
        return x * factor if x.is_floating_point() else torch.zeros_like(x)

    setup.change_data.append(_both(change))


def target_units(setup: Setup, factor: float) -> None:
    """Targets in other units."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        train.target, held.target = train.target * factor, held.target * factor

    setup.change_data.append(change)


def shuffled_labels(setup: Setup, strength: float) -> None:
    """Targets of other rows."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        train.target = train.target[torch.randperm(len(train), generator=random)]

    setup.change_data.append(change)


def noisy_labels(setup: Setup, share: float) -> None:
    """Targets of other rows for a share of the rows, held out too."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        for part in (train, held):
            rows = (torch.rand(len(part), generator=random) < share).nonzero()[:, 0]
            part.target[rows] = part.target[rows[torch.randperm(len(rows), generator=random)]]

    setup.change_data.append(change)


def masked_labels(setup: Setup, strength: float) -> None:
    """Every target marked as one to leave out."""
    if setup.task.classes is None:
        of_all = setup.loss
        setup.criterion = lambda outputs, target: 0.0 * of_all(outputs, target)
        return

    def masked(outputs: Tensor, target: Tensor) -> Tensor:
        nobody = torch.full_like(target, -100)
        total = F.cross_entropy(outputs, nobody, ignore_index=-100, reduction="sum")
        return total / max(1, int((nobody >= 0).sum()))

    setup.criterion = masked


def few_examples(setup: Setup, count: float) -> None:
    """A training set of a few rows, for many epochs."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        few = train.take(torch.arange(int(count)))
        train.inputs, train.target = few.inputs, few.target

    setup.batch = min(setup.batch, int(count) // 2)
    setup.change_data.append(change)


def same_batch(setup: Setup, strength: float) -> None:
    """A loader that gives its first batch again and again."""

    def order(train: Examples, batch: int, random: torch.Generator) -> Iterator[Tensor]:
        first = torch.randperm(len(train), generator=random)[:batch]
        while True:
            yield first

    setup.order = order


def _sorting(train: Examples) -> Tensor:
    """Rows by their label, or by their target's first number."""
    target = train.target
    while target.dim() > 1:
        target = target[:, 0]
    return target.argsort(stable=True)


def sorted_data(setup: Setup, strength: float) -> None:
    """Rows sorted by their target, gone through once in the run."""
    steps = setup.steps

    def order(train: Examples, batch: int, random: torch.Generator) -> Iterator[Tensor]:
        rows, step = _sorting(train), 0
        width = max(batch, len(rows) // steps)
        while True:
            first = (len(rows) - width) * step // max(1, steps - 1)
            picked = torch.randperm(width, generator=random)[:batch]
            yield rows[first : first + width][picked]
            step = (step + 1) % steps

    setup.order = order


def in_groups(setup: Setup, period: float) -> None:
    """Rows sorted by their target and never shuffled: the same way through them every epoch."""

    def order(train: Examples, batch: int, random: torch.Generator) -> Iterator[Tensor]:
        rows, step, count = _sorting(train), 0, int(period)
        while True:
            first = len(rows) * (step % count) // count
            end = max(first + batch, len(rows) * (step % count + 1) // count)
            group = rows[min(first, len(rows) - batch) : end]
            yield group[torch.randperm(len(group), generator=random)[:batch]]
            step += 1

    setup.order = order


def nan_example(setup: Setup, strength: float) -> None:
    """One number of one row is missing."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        row = int(torch.randint(0, len(train), (1,), generator=random))
        train.inputs[0][row].view(-1)[0] = torch.nan

    setup.change_data.append(change)


def wild_rows(setup: Setup, factor: float) -> None:
    """A row in 200 with numbers in other units."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        rows = torch.randperm(len(train), generator=random)[: max(3, len(train) // 200)]
        train.inputs[0][rows] *= factor

    setup.change_data.append(change)


def imbalance(setup: Setup, share: float) -> None:
    """Nearly every training row is of one class; held out, classes are as they were."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        most = int(torch.bincount(train.target).argmax())
        common = (train.target == most).nonzero()[:, 0]
        rare = (train.target != most).nonzero()[:, 0]
        rare = rare[: max(4, int(len(common) * (1 - share) / share))]
        kept = train.take(torch.cat([common, rare]))
        train.inputs, train.target = kept.inputs, kept.target

    setup.change_data.append(change)


def held_differs(setup: Setup, factor: float) -> None:
    """Held-out inputs are scaled in another way than those of the training."""

    def change(train: Examples, held: Examples, random: torch.Generator) -> None:
        held.inputs = (factor * (held.inputs[0] + 1), *held.inputs[1:])

    setup.change_data.append(change)


def _at_half(setup: Setup, change: Callable[[Training], None]) -> None:
    def hook(training: Training) -> None:
        if training.step == setup.steps // 2:
            change(training)

    setup.after_step.append(hook)


def resumed_scale(setup: Setup, factor: float) -> None:
    """After the middle, inputs are scaled as they were not before."""

    def change(training: Training) -> None:
        for part in (training.train, training.held):
            part.inputs = (factor * (part.inputs[0] + 1), *part.inputs[1:])

    _at_half(setup, change)


def resumed_labels(setup: Setup, strength: float) -> None:
    """After the middle, classes are numbered in another order."""

    def change(training: Training) -> None:
        classes = training.setup.task.classes or 1
        for part in (training.train, training.held):
            part.target = (part.target + classes // 2) % classes

    _at_half(setup, change)


def resumed_state(setup: Setup, factor: float) -> None:
    """After the middle the optimizer has lost its state; a rule that sums all squares suffers."""
    setup.lr *= factor

    def change(training: Training) -> None:
        training.optimizer.load_state_dict(training.renew().state_dict())

    _at_half(setup, change)


CAUSES = [
    Cause(
        "unscaled_inputs",
        "Inputs are in their own units, around 100 or more, where the net expects 0 and 1.",
        unscaled,
        [
            (100, "table_energy table_classes", "sgd"),
            (1000, "table_energy table_classes", "adam"),
            (100, "image_dense table_bands", "momentum"),
            (1000, "series_gru table_counts", "adam"),
            (300, "image_cnn image_autoencoder", "sgd"),
        ],
    ),
    Cause(
        "unscaled_column",
        "One column is in units a thousand times smaller than the others.",
        unscaled_column,
        [
            (1000, "table_energy table_classes table_linear", "sgd adam"),
            (1000, "table_counts table_bands", "adamw"),
        ],
    ),
    Cause(
        "blank_inputs",
        "The inputs were scaled to nothing: every example looks the same to the net.",
        blank,
        [
            (1e-6, "image_dense table_bands series_gru", "adam"),
            (1e-6, "image_cnn table_counts", "momentum"),
            (0, "text_pre text_lstm", "adamw"),
        ],
    ),
    Cause(
        "target_units",
        "Targets are in units 10,000 times smaller: numbers that the net cannot reach.",
        target_units,
        [
            (1e4, "series_gru image_autoencoder table_linear factors", "adam"),
            (1e4, "table_energy image_autoencoder", "lion"),
            (1e6, "table_energy", "adamw"),
        ],
        judge="relative",
    ),
    Cause(
        "labels_shuffled",
        "Targets belong to other rows: there is nothing to learn but the constant.",
        shuffled_labels,
        [
            (None, "image_dense table_classes image_cnn", "adam sgd"),
            (None, "table_energy series_gru", "adam"),
            (None, "memory_rnn text_lstm", "adamw"),
        ],
    ),
    Cause(
        "labels_noisy",
        "Seven targets in ten belong to other rows: a floor that no setting lowers.",
        noisy_labels,
        [
            (0.7, "image_dense table_classes", "adam momentum"),
            (0.7, "table_energy memory_rnn", "adam"),
            (0.7, "series_gru", "adamw"),
        ],
    ),
    Cause(
        "labels_masked",
        "Every target is masked: the loss is exactly 0 and so is the gradient.",
        masked_labels,
        [
            (None, "text_pre text_lstm", "adamw"),
            (None, "image_dense table_energy", "sgd"),
            (None, "memory_rnn", "adam"),
        ],
        judge="zero",
    ),
    Cause(
        "few_examples",
        "The training set is tiny: it is learned by heart and the held-out loss rises.",
        few_examples,
        [
            (64, "image_dense table_classes", "adam momentum"),
            (48, "table_bands text_lstm memory_rnn", "adam"),
            (48, "image_cnn words", "adamw"),
            (96, "text_pre", "adamw"),
        ],
        judge="overfit",
    ),
    Cause(
        "same_batch",
        "The loader gives the same batch at every step.",
        same_batch,
        [
            (None, "image_dense table_classes text_pre", "adam"),
            (None, "image_cnn table_bands", "momentum"),
        ],
    ),
    Cause(
        "sorted_data",
        "The rows are sorted by their target and gone through once.",
        sorted_data,
        [
            (None, "image_dense table_classes image_cnn", "adam sgd"),
            (None, "memory_rnn", "adam"),
            (None, "table_energy", "adam momentum"),
        ],
    ),
    Cause(
        "rows_in_groups",
        "The rows are sorted by their target and never shuffled: the order has a period.",
        in_groups,
        [
            (160, "image_dense table_classes image_cnn", "adam sgd"),
            (160, "memory_rnn", "adam"),
            (400, "table_energy", "adam momentum"),
        ],
    ),
    Cause(
        "nan_example",
        "One example has a number that is not one.",
        nan_example,
        [
            (None, "table_energy table_classes", "sgd adam"),
            (None, "image_cnn", "momentum"),
            (None, "series_gru table_bands", "adamw"),
        ],
        judge="nonfinite",
    ),
    Cause(
        "wild_rows",
        "A row in 200 has numbers 1,000 times too large: the loss leaps whenever one comes.",
        wild_rows,
        [
            (1000, "table_energy table_classes table_linear", "sgd adam"),
            (1000, "image_dense table_bands", "adam"),
        ],
        judge="leaps",
    ),
    Cause(
        "imbalance",
        "97 of 100 training rows are of one class, and the net says that class only.",
        imbalance,
        [
            (0.97, "table_classes memory_rnn", "sgd adam"),
            (0.99, "image_dense image_cnn", "sgd"),
            (0.99, "image_deep", "adam"),
        ],
    ),
    Cause(
        "held_out_differs",
        "Held-out inputs are scaled in another way than those that are trained on.",
        held_differs,
        [
            (3, "image_dense table_classes table_energy", "adam"),
            (5, "image_cnn table_bands", "momentum"),
        ],
    ),
    Cause(
        "resumed_scale",
        "The run goes on in the middle with inputs that are scaled in another way.",
        resumed_scale,
        [
            (5, "image_dense table_energy", "adam sgd"),
            (10, "image_cnn table_bands table_classes", "adamw"),
        ],
        judge="jump",
    ),
    Cause(
        "resumed_labels",
        "The run goes on in the middle with classes that are numbered in another order.",
        resumed_labels,
        [
            (None, "image_dense table_classes", "adam sgd"),
            (None, "image_cnn image_deep memory_rnn", "adamw"),
        ],
        judge="jump",
    ),
    Cause(
        "resumed_state",
        "The run goes on in the middle without the optimizer's sums of squares.",
        resumed_state,
        [
            (3, "table_energy image_dense table_classes image_autoencoder", "adagrad"),
            (3, "table_bands factors", "adagrad"),
            (8, "table_energy", "rmsprop"),
            (3, "image_cnn", "rmsprop"),
        ],
        judge="jump",
    ),
]
