# SPDX-License-Identifier: Apache-2.0
"""Kinds of healthy runs: what the doctor must not take for a trouble."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from outside.cause import Cause, Rows, cosine, nothing, times, warm
from outside.parts import stages
from outside.world import Examples, Setup, Shape, constant_rate


def scheduled(shape: Shape, factor: float = 1.0):
    """A change that gives the run a schedule, its highest rate `factor` times the usual one."""

    def change(setup: Setup, strength: float) -> None:
        setup.shape = shape
        setup.lr *= factor

    return change


def stable_then_decay(progress: float) -> float:
    """Rise, stay, and fall in a line over the last quarter."""
    return min(1.0, (progress + 1e-3) / 0.1, (1 - progress) / 0.25)


def stairs(progress: float) -> float:
    """A tenth at the half of the run, a hundredth at three quarters."""
    return 0.1 ** min(2, max(0, int(progress * 4) - 1))


def exponential(progress: float) -> float:
    """To a thirtieth."""
    return 30.0**-progress


def restarts(progress: float) -> float:
    """Three cosines to 0."""
    return cosine(progress * 3 % 1)


def triangles(progress: float) -> float:
    """Up from a tenth and back, four times."""
    return 1 - 0.9 * abs(progress * 8 % 2 - 1)


def one_cycle(progress: float) -> float:
    """Up over a third of the run, and down to a ten thousandth."""
    if progress < 0.3:
        return 0.04 + 0.96 * (1 - cosine(progress / 0.3))
    return 1e-4 + (1 - 1e-4) * cosine((progress - 0.3) / 0.7)


def inverse_root(progress: float) -> float:
    """Warm-up, then the inverse square root of the step, as Transformers have it."""
    return min((progress + 1e-3) / 0.1, math.sqrt(0.1 / (progress + 1e-3)))


# Rates, tasks and rules that fail without a warm-up.
NEEDS_WARMUP: Rows = [
    (0.01, "text_post", "adam adamw"),
    (0.2, "image_resnet", "rmsprop"),
    (0.5, "image_resnet", "momentum"),
    (1, "image_resnet", "momentum"),
    (0.01, "memory_rnn", "rmsprop"),
]


def warmup_high(setup: Setup, lr: float) -> None:
    """A high rate, with the warm-up that it needs."""
    setup.lr = lr
    if setup.task.name == "image_resnet":
        setup.net["blocks"] = 4
        setup.steps = 512
    setup.shape = warm(0.3)


# What stays at a floor with batches of 4 at a constant rate: factors on the usual ones.
SMALL_BATCHES: Rows = [
    (1, "table_energy", "sgd"),
    (2.5, "table_classes", "sgd"),
    (8, "table_linear", "sgd"),
    (10, "table_linear", "adam"),
    (3, "series_gru", "adam"),
    (8, "table_energy", "adam"),
    (4, "image_autoencoder", "adam"),
    (10, "table_energy", "rmsprop"),
    (5, "table_classes", "rmsprop"),
    (0.6, "image_dense", "momentum"),
]


def small_batch_decayed(setup: Setup, factor: float) -> None:
    """Small batches, at a rate that falls to 0."""
    setup.batch, setup.steps = 4, setup.steps * 3 // 2
    setup.lr *= factor
    setup.shape = cosine


def batch_of_one(setup: Setup, factor: float) -> None:
    """One example a step, at a rate for one."""
    setup.batch, setup.steps = 1, 1536
    setup.lr *= factor


def large_batch(setup: Setup, batch: float) -> None:
    """A large batch, and the rate that goes with it."""
    gain = batch / setup.batch
    setup.lr *= min(2.0, math.sqrt(gain))
    setup.batch = int(batch)
    setup.steps = min(setup.steps, 512)


def sparse(setup: Setup, batch: float) -> None:
    """Batches so small that most rows of an embedding get no gradient."""
    setup.batch, setup.steps = int(batch), 1536


def long_run(setup: Setup, factor: float) -> None:
    """More steps, for plateaus that break by themselves."""
    setup.steps = int(setup.steps * factor)


def accumulated(setup: Setup, batches: float) -> None:
    """Gradients of several small batches in each step, averaged."""
    setup.accumulate = int(batches)
    setup.batch = max(4, setup.batch // int(batches))
    setup.steps = min(setup.steps, 640)


def clipped(setup: Setup, norm: float) -> None:
    """A bound on the gradient's norm that is met now and then."""
    setup.clip_norm = norm


def decay_usual(setup: Setup, decay: float) -> None:
    """A weight decay as people use it."""
    setup.options["weight_decay"] = decay


def dropout_usual(setup: Setup, share: float) -> None:
    """Dropout as people use it."""
    setup.net["dropout"] = share


def groups(setup: Setup, factor: float) -> None:
    """A lower rate for all but the last layer, and no decay on vectors."""

    def trained(net: nn.Module) -> list[dict]:
        head = set(stages(net)[-1].parameters())
        body = [p for p in net.parameters() if p not in head]
        return [
            {"params": [p for p in body if p.dim() > 1], "lr": setup.lr / factor},
            {"params": [p for p in body if p.dim() == 1], "lr": setup.lr / factor},
            {"params": list(head)},
        ]

    setup.trained = trained


def _taught(net: nn.Module, train: Examples, steps: int = 240) -> None:
    """Learns other classes of the same inputs first, as a backbone from elsewhere has."""
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    random = torch.Generator().manual_seed(5)
    other = train.target * 3 // 2 % int(train.target.max() + 1)
    for _ in range(steps):
        picked = torch.randint(0, len(train), (64,), generator=random)
        loss = F.cross_entropy(net(*train.take(picked).inputs), other[picked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    optimizer.zero_grad()


def finetuned(setup: Setup, strength: float) -> None:
    """A backbone that was trained before and is frozen, and a new head that is trained."""

    def change(net: nn.Module, train: Examples) -> None:
        _taught(net, train)
        head = stages(net)[-1]
        head.reset_parameters()
        for p in net.parameters():
            p.requires_grad_(False)
        for p in head.parameters():
            p.requires_grad_(True)

    setup.change_net.append(change)
    setup.trained = lambda net: [p for p in net.parameters() if p.requires_grad]


def batch_norm(setup: Setup, strength: float) -> None:
    """Batch norms in a net that has none."""
    if setup.task.name != "image_resnet":
        setup.net["norm"] = True


def partly_masked(setup: Setup, share: float) -> None:
    """A share of the targets is left out of the loss on purpose, as prompts are."""

    def mask(train: Examples, held: Examples, random: torch.Generator) -> None:
        train.target = train.target.clone()
        train.target[torch.rand(train.target.shape, generator=random) < share] = -100

    setup.change_data.append(mask)


def smoothed(setup: Setup, share: float) -> None:
    """Targets that are never quite sure."""

    def criterion(outputs: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(outputs, target, label_smoothing=share)

    setup.criterion = criterion


def converged(setup: Setup, factor: float) -> None:
    """Long after it has learned all there is, with a rate that fell in time."""
    setup.steps = int(setup.steps * factor)
    setup.shape = times(constant_rate, lambda progress: 1e-3 ** min(1.0, progress * 2))


def low_rate(setup: Setup, factor: float) -> None:
    """A low rate: what a run whose updates are lost is compared with."""
    setup.lr /= factor


def usual_decayed(setup: Setup, strength: float) -> None:
    """As usual, and over the last quarter the rate falls to 0."""
    setup.shape = times(setup.shape, lambda progress: min(1.0, (1 - progress) / 0.25))


# These get a row for each task and rule that something is compared with.
CONTROLS = [
    Cause(
        "usual",
        "Everything as usual, at a constant rate or after a warm-up.",
        nothing,
        [],
        judge="learned",
        control="usual_decayed",
    ),
    Cause(
        "usual_decayed",
        "The same with a rate that falls over the last quarter; it serves as a control alone.",
        usual_decayed,
        [],
        judge="none",
        control="usual_decayed",
    ),
]

KINDS = [
    Cause(
        "warmup_cosine",
        "Warm-up, then a cosine to 0.",
        scheduled(times(warm(0.1), cosine), 1.5),
        [
            (None, "text_pre text_post text_lstm", "adamw"),
            (None, "image_cnn table_classes table_linear", "adam"),
            (None, "image_dense image_resnet", "momentum"),
            (None, "table_bands image_autoencoder", "lion"),
            (None, "points_denoise factors", "adan"),
            (None, "equation memory_rnn", "adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "stable_then_decay",
        "A constant rate that falls in a line to 0 over the last quarter.",
        scheduled(stable_then_decay),
        [
            (None, "text_pre table_energy", "adamw"),
            (None, "image_dense table_classes", "sgd"),
            (None, "image_cnn series_gru", "adam"),
            (None, "words", "rmsprop"),
        ],
        judge="healthy",
    ),
    Cause(
        "step_decay",
        "lr falls to a tenth at half the run and at three quarters.",
        scheduled(stairs),
        [
            (None, "image_resnet image_dense table_linear", "momentum"),
            (None, "table_energy table_counts", "sgd"),
            (None, "image_autoencoder memory_rnn", "adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "exponential_decay",
        "lr falls by the same factor at each step, to a thirtieth.",
        scheduled(exponential, 1.5),
        [
            (None, "table_classes factors", "adam"),
            (None, "image_deep table_bands", "rmsprop"),
            (None, "text_lstm", "radam"),
        ],
        judge="healthy",
    ),
    Cause(
        "inverse_root",
        "Warm-up, then the inverse square root of the step.",
        scheduled(inverse_root, 1.5),
        [(None, "text_pre text_post series_gru", "adam"), (None, "words", "adagrad")],
        judge="healthy",
    ),
    Cause(
        "restarts",
        "Three cosines to 0, each from the full rate.",
        scheduled(restarts),
        [
            (None, "image_cnn table_energy", "momentum"),
            (None, "text_pre table_classes", "adamw"),
            (None, "image_vae points_denoise", "adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "cyclic",
        "lr goes up and down four times.",
        scheduled(triangles),
        [
            (None, "image_dense table_linear", "sgd"),
            (None, "image_autoencoder series_gru", "adam"),
            (None, "table_counts", "rmsprop"),
        ],
        judge="healthy",
    ),
    Cause(
        "one_cycle",
        "lr rises over a third of the run to twice the usual one and falls to nothing.",
        scheduled(one_cycle, 2),
        [
            (None, "image_dense image_resnet", "momentum"),
            (None, "table_classes image_cnn", "adamw"),
            (None, "memory_rnn", "lion"),
        ],
        judge="healthy",
    ),
    Cause(
        "plateau",
        "A plateau that breaks by itself: nothing seems to be learned, and then all.",
        long_run,
        [
            (1, "parity", "adam adamw lion radam"),
            (1.25, "parity", "sgd momentum rmsprop"),
            (1, "sums", "adam momentum sgd"),
        ],
        judge="learned",
        control="plateau",
    ),
    Cause(
        "likelihood",
        "A likelihood whose loss goes through 0 and on.",
        nothing,
        [(None, "table_bands", "adam adamw adan rmsprop lion radam")],
        judge="learned",
        control="usual_decayed",
    ),
    Cause(
        "gan",
        "A generator against a critic: losses that stand while both learn.",
        nothing,
        [(None, "points_gan", "adam adamw radam")],
        judge="learned",
        control="usual_decayed",
    ),
    Cause(
        "policy",
        "A policy gradient: the loss says nothing, the pole stands longer.",
        nothing,
        [(None, "cart_pole", "adam rmsprop adamw")],
        judge="learned",
        control="policy",
    ),
    Cause(
        "batch_of_one",
        "One example a step, at a rate for one.",
        batch_of_one,
        [
            (0.3, "table_linear table_energy table_counts", "adam"),
            (0.5, "table_linear", "sgd"),
            (0.03, "table_energy", "sgd"),
            (0.3, "image_dense image_autoencoder points_denoise", "adam"),
            (0.1, "image_dense", "sgd"),
            (0.03, "table_counts", "momentum"),
        ],
        judge="healthy",
    ),
    Cause(
        "small_batch_decayed",
        "Small batches, at a rate that falls to 0 over the run.",
        small_batch_decayed,
        SMALL_BATCHES,
        judge="healthy",
    ),
    Cause(
        "sparse",
        "Embeddings of which a batch touches a few rows.",
        sparse,
        [(16, "words factors", "adam adagrad sgd"), (8, "factors", "rmsprop")],
        judge="healthy",
    ),
    Cause(
        "accumulation",
        "Gradients of four small batches in each step, averaged.",
        accumulated,
        [
            (4, "table_classes image_dense", "sgd"),
            (4, "text_pre image_cnn", "adamw"),
            (4, "table_energy", "adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "clipping",
        "The gradients' norm is clipped now and then.",
        clipped,
        [
            (1, "text_pre text_lstm", "adamw"),
            (1, "memory_rnn image_deep", "momentum"),
            (2, "image_cnn table_classes", "sgd"),
        ],
        judge="healthy",
    ),
    Cause(
        "large_batch",
        "Large batches, with a rate to match.",
        large_batch,
        [
            (512, "image_dense table_energy", "sgd"),
            (512, "table_classes image_autoencoder points_denoise", "adam"),
            (512, "table_counts", "momentum"),
        ],
        judge="healthy",
    ),
    Cause(
        "decay_usual",
        "A weight decay as people use it.",
        decay_usual,
        [
            (0.1, "text_pre image_cnn table_classes", "adamw"),
            (1e-3, "image_resnet image_dense", "momentum"),
            (1e-4, "image_autoencoder table_energy", "sgd"),
        ],
        judge="healthy",
    ),
    Cause(
        "dropout_usual",
        "Dropout of a tenth or a fifth.",
        dropout_usual,
        [(0.2, "image_dense table_classes", "adam"), (0.1, "text_pre text_lstm", "adamw")],
        judge="healthy",
    ),
    Cause(
        "groups",
        "Several parameter groups with rates of their own.",
        groups,
        [
            (3, "image_cnn text_lstm", "adamw"),
            (3, "table_classes image_dense", "adam"),
            (2, "image_resnet", "momentum"),
        ],
        judge="healthy",
    ),
    Cause(
        "finetuned",
        "A backbone that was trained before is frozen on purpose, and a new head trained.",
        finetuned,
        [
            (None, "image_dense image_cnn image_deep", "adam momentum"),
            (None, "table_classes", "adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "batch_norm",
        "A net with batch norms.",
        batch_norm,
        [
            (None, "image_resnet image_dense image_deep", "adam momentum sgd"),
            (None, "table_classes image_autoencoder", "sgd adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "partly_masked",
        "Half of the targets are left out of the loss on purpose.",
        partly_masked,
        [(0.5, "text_pre text_lstm", "adamw"), (0.5, "image_dense", "adam")],
        judge="healthy",
    ),
    Cause(
        "smoothed",
        "Targets with a tenth of doubt: a loss that cannot reach 0.",
        smoothed,
        [(0.1, "image_dense image_cnn table_classes", "adam momentum")],
        judge="healthy",
    ),
    Cause(
        "converged",
        "All is learned, and the rate fell in time: the loss stands because it is done.",
        converged,
        [
            (2, "table_linear", "sgd momentum adam rmsprop"),
            (1.5, "table_energy table_counts points_denoise", "adam"),
        ],
        judge="healthy",
    ),
    Cause(
        "warmup_high",
        "A high rate, with the warm-up that it needs.",
        warmup_high,
        NEEDS_WARMUP,
        judge="healthy",
    ),
    Cause(
        "low_rate",
        "A rate below the usual one; it serves as a control alone.",
        low_rate,
        [
            (30, "table_classes image_dense series_gru", "adam"),
            (30, "text_pre", "adamw"),
            (30, "image_autoencoder", "lion"),
            (100, "image_cnn table_energy", "sgd"),
        ],
        judge="none",
    ),
]
