# SPDX-License-Identifier: Apache-2.0
"""Causes that stand in the settings: rates, schedules, numbers of the rule."""

from typing import Any

import torch
from torch import Tensor

from outside.cause import Cause, cosine, times, warm
from outside.healthy import (
    NEEDS_WARMUP,
    SMALL_BATCHES,
    batch_of_one,
    small_batch_decayed,
    warmup_high,
)
from outside.world import Setup, Training, constant_rate


def too_high(setup: Setup, factor: float) -> None:
    """A rate that is `factor` times the usual one."""
    setup.lr *= factor


def too_low(setup: Setup, factor: float) -> None:
    """A rate that is the usual one divided by `factor`."""
    setup.lr /= factor


def no_warmup(setup: Setup, lr: float) -> None:
    """A rate that needs a warm-up, without one."""
    warmup_high(setup, lr)
    setup.shape = constant_rate


def noise_floor(setup: Setup, factor: float) -> None:
    """Small batches at a constant and rather high rate, for long."""
    small_batch_decayed(setup, factor)
    setup.shape = constant_rate


def momentum_high(setup: Setup, momentum: float) -> None:
    """Steps that remember a thousand others, as long as ever."""
    if setup.rule == "momentum":
        setup.options["momentum"] = momentum
    else:
        setup.options["betas"] = (momentum, 0.999)


def beta2_small(setup: Setup, beta2: float) -> None:
    """A scale that forgets at once."""
    first = setup.options.get("betas", (0.9,))[0]
    setup.options["betas"] = (first, beta2)


def eps_large(setup: Setup, eps: float) -> None:
    """An eps that outweighs the gradient's size."""
    setup.options["eps"] = eps


def decay_strong(setup: Setup, decay: float) -> None:
    """A weight decay that outweighs the gradient."""
    setup.options["weight_decay"] = decay


def clip_small(setup: Setup, norm: float) -> None:
    """A bound on the gradient's norm far below its usual one."""
    setup.clip_norm = norm


def rate_zero(setup: Setup, strength: float) -> None:
    """A rate of 0."""
    setup.lr = 0.0


def schedule_over(setup: Setup, share: float) -> None:
    """A cosine that was made for a share of the run's steps."""
    setup.shape = times(setup.shape, lambda progress: cosine(progress / share))


def decays_each_step(setup: Setup, gamma: float) -> None:
    """A factor that was meant for each epoch, applied at each step."""
    steps = setup.steps
    setup.shape = times(setup.shape, lambda progress: gamma ** (progress * steps))


def warmup_endless(setup: Setup, share: float) -> None:
    """A warm-up that is `share` runs long."""
    setup.shape = warm(share)


def loss_summed(setup: Setup, strength: float) -> None:
    """The sum over the batch where the rate was chosen for the mean."""
    of_mean, batch = setup.loss, setup.batch
    setup.criterion = lambda outputs, target: batch * of_mean(outputs, target)


def accumulation_summed(setup: Setup, batches: float) -> None:
    """Gradients of several batches in each step, not divided by their number."""
    setup.accumulate, setup.average = int(batches), False
    setup.batch, setup.steps = setup.batch // 2, min(setup.steps, 320)


def update_lost(setup: Setup, factor: float) -> None:
    """Parameters kept in bfloat16, at a rate whose steps are mostly below its last place."""
    setup.lr /= factor
    setup.parameter_type = "bfloat16"

    def round_off(training: Training) -> None:
        with torch.no_grad():
            for p in training.net.parameters():
                p.copy_(p.bfloat16())

    setup.after_step.append(round_off)


class _Narrow(torch.autograd.Function):
    """Nothing forward; backward the gradient goes through eight bits, its unit being 1/scale."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        kept = (gradient * ctx.scale).to(torch.float8_e5m2).to(gradient.dtype)
        return kept / ctx.scale, None


def gradient_underflow(setup: Setup, scale: float) -> None:
    """Gradients between layers in a narrow type, without a scale for the loss."""

    def narrow(module: torch.nn.Module, inputs: Any, output: Any) -> Any:
        return _Narrow.apply(output, scale) if isinstance(output, Tensor) else output

    def hook(net: torch.nn.Module, train) -> None:
        for module in net.modules():
            if not list(module.children()) and list(module.parameters()):
                module.register_forward_hook(narrow)

    setup.change_net.append(hook)


CAUSES = [
    Cause(
        "rate_too_high",
        "The learning rate is 30 to 1,000 times the usual one.",
        too_high,
        [
            (30, "image_dense table_bands series_gru", "sgd"),
            (30, "table_bands series_gru", "adam"),
            (30, "image_autoencoder table_classes", "adamw"),
            (100, "image_dense", "adam"),
            (100, "text_pre", "adamw"),
            (30, "image_resnet", "momentum"),
            (30, "memory_rnn image_deep", "lion"),
            (100, "image_cnn table_counts factors", "momentum adam"),
            (300, "points_denoise", "momentum adam"),
            (100, "table_energy", "adan rmsprop radam adagrad lion"),
            (100, "text_lstm", "adam"),
            (1000, "table_classes image_deep sums", "sgd adamw"),
            (1000, "text_pre equation", "adam"),
            (1000, "image_vae", "rmsprop"),
        ],
    ),
    Cause(
        "rate_too_low",
        "The learning rate is the usual one divided by 100, 1,000 or 10,000.",
        too_low,
        [
            (100, "image_dense table_bands series_gru", "sgd adam"),
            (100, "text_pre", "adamw"),
            (100, "image_resnet", "momentum"),
            (100, "memory_rnn image_deep", "lion"),
            (1000, "image_cnn table_counts points_denoise factors", "momentum adam"),
            (1000, "table_energy", "adan rmsprop radam adagrad"),
            (1000, "text_lstm", "adam"),
            (10000, "table_classes image_deep", "sgd adamw"),
            (1000, "image_autoencoder", "adamw"),
            (10000, "text_pre words", "adam"),
            (10000, "image_vae", "rmsprop"),
        ],
    ),
    Cause(
        "no_warmup",
        "The rate needs a warm-up and has none: the first steps throw the net out.",
        no_warmup,
        NEEDS_WARMUP,
        control="warmup_high",
    ),
    Cause(
        "noise_floor",
        "The rate is constant and the batches are small: the loss stays where noise holds it.",
        noise_floor,
        SMALL_BATCHES,
        judge="floor",
        control="small_batch_decayed",
    ),
    Cause(
        "batch_of_one_rate",
        "Each step sees one example, at a rate for many.",
        batch_of_one,
        [
            (100, "table_linear", "adam"),
            (30, "table_energy", "adam"),
            (10, "table_counts", "adam"),
            (5, "table_linear table_energy", "sgd"),
            (30, "image_dense image_autoencoder points_denoise", "adam"),
            (3, "image_dense", "sgd"),
            (3, "table_counts", "momentum"),
        ],
        control="batch_of_one",
    ),
    Cause(
        "momentum_high",
        "The momentum is 0.999, with the rate that is usual for 0.9.",
        momentum_high,
        [
            (0.999, "table_energy image_dense table_linear points_denoise", "momentum"),
            (0.999, "image_cnn table_classes series_gru memory_rnn", "momentum"),
        ],
    ),
    Cause(
        "beta2_small",
        "beta2 is so small that the scale follows single gradients.",
        beta2_small,
        [
            (0.5, "factors words table_energy", "adam"),
            (0.1, "image_cnn image_vae table_classes image_autoencoder", "adam"),
            (0.1, "table_counts", "adamw"),
        ],
    ),
    Cause(
        "eps_large",
        "eps is 1 or 10 and outweighs the gradient's size: steps hardly move anything.",
        eps_large,
        [
            (10, "table_classes image_dense text_pre", "adam"),
            (1, "image_autoencoder series_gru", "adamw"),
            (10, "table_counts memory_rnn", "rmsprop"),
            (10, "image_cnn", "radam"),
        ],
    ),
    Cause(
        "decay_strong",
        "The weight decay outweighs the gradient: the net is pulled to 0.",
        decay_strong,
        [
            (30, "table_classes image_cnn series_gru", "adamw"),
            (100, "text_pre image_dense", "adamw"),
            (0.5, "image_autoencoder table_energy", "sgd"),
            (1, "image_deep table_bands", "momentum"),
            (1, "memory_rnn", "adam"),
        ],
    ),
    Cause(
        "clip_small",
        "The gradients' norm is clipped to a hundredth of its usual size or less.",
        clip_small,
        [
            (1e-3, "table_classes image_dense image_cnn text_lstm", "sgd"),
            (1e-3, "table_energy series_gru", "momentum"),
            (1e-4, "image_resnet table_bands image_autoencoder", "momentum"),
        ],
    ),
    Cause(
        "rate_zero",
        "The learning rate is 0.",
        rate_zero,
        [
            (None, "table_classes series_gru", "adam"),
            (None, "image_dense", "sgd"),
            (None, "text_pre", "adamw"),
            (None, "image_autoencoder", "momentum"),
        ],
    ),
    Cause(
        "schedule_over",
        "The schedule was made for a fraction of the steps; lr is 0 for the rest.",
        schedule_over,
        [
            (0.2, "text_pre table_bands", "adamw"),
            (0.1, "text_lstm", "adam"),
            (0.05, "series_gru", "adam"),
            (0.05, "image_cnn table_energy", "sgd"),
            (0.05, "image_autoencoder image_resnet", "momentum"),
        ],
    ),
    Cause(
        "decays_each_step",
        "lr is multiplied at each step with a factor that was meant for each epoch.",
        decays_each_step,
        [
            (0.95, "image_dense table_classes", "adam"),
            (0.95, "text_lstm", "adamw"),
            (0.9, "image_cnn points_denoise", "momentum"),
            (0.9, "table_counts", "rmsprop"),
        ],
    ),
    Cause(
        "warmup_endless",
        "The warm-up is a thousand runs long: lr has hardly begun to rise at the end.",
        warmup_endless,
        [
            (1000, "image_dense table_energy", "sgd"),
            (1000, "text_pre text_post", "adamw"),
            (1000, "table_classes series_gru", "adam"),
        ],
    ),
    Cause(
        "loss_summed",
        "The loss is the sum over the batch, with the rate that is usual for the mean.",
        loss_summed,
        [
            (None, "image_dense table_energy table_classes", "sgd"),
            (None, "image_cnn series_gru", "momentum"),
        ],
    ),
    Cause(
        "accumulation_summed",
        "The gradients of 16 batches are summed before each step, not averaged.",
        accumulation_summed,
        [
            (16, "table_energy table_classes image_dense", "sgd"),
            (16, "image_cnn series_gru", "momentum"),
        ],
    ),
    Cause(
        "update_lost",
        "Parameters are rounded to bfloat16 after each step and most updates vanish.",
        update_lost,
        [
            (30, "table_classes image_dense series_gru", "adam"),
            (30, "text_pre", "adamw"),
            (30, "image_autoencoder", "lion"),
            (100, "image_cnn table_energy", "sgd"),
        ],
        control="low_rate",
    ),
    Cause(
        "gradient_underflow",
        "Gradients between layers go through a type of eight bits and become 0.",
        gradient_underflow,
        [
            (1e-2, "image_autoencoder text_lstm", "adam"),
            (1e-4, "table_classes", "adamw"),
            (1e-5, "image_dense", "adamw"),
            (1e-4, "table_energy", "rmsprop"),
            (1e-2, "text_pre", "adam"),
            (1e-3, "image_cnn", "momentum"),
        ],
    ),
]
