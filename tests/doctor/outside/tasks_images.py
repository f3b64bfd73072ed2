# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST at 14 x 14: dense, convolutional and residual nets, an autoencoder and a VAE."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from outside import data
from outside.parts import ACTIVATIONS, Residual, mlp
from outside.world import Criterion, Examples, Task

TRAIN, HELD = 4000, 512


def _pick(seed: int) -> tuple[Tensor, Tensor]:
    images, labels = data.fashion()
    order = torch.randperm(len(images), generator=data.generator(seed, 11))[: TRAIN + HELD]
    return images[order], labels[order]


def _labelled(seed: int) -> tuple[Examples, Examples]:
    images, labels = _pick(seed)
    images = (images - 0.286) / 0.32
    return (
        Examples((images[:TRAIN].clone(),), labels[:TRAIN].clone()),
        Examples((images[TRAIN:].clone(),), labels[TRAIN:].clone()),
    )


def _plain(seed: int) -> tuple[Examples, Examples]:
    """Images of 0 to 1 as inputs and targets."""
    images = _pick(seed)[0].flatten(1)
    return (
        Examples((images[:TRAIN].clone(),), images[:TRAIN].clone()),
        Examples((images[TRAIN:].clone(),), images[TRAIN:].clone()),
    )


def _dense(**options: Any) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *mlp([196, 64, 64, 10], **options))


def _deep(depth: int = 8, activation: str = "relu", he: bool = True, **options: Any) -> nn.Module:
    body = mlp([196, 48, 10], activation, depth, he=he, **options)
    return nn.Sequential(nn.Flatten(), *body)


def _cnn(activation: str = "relu", dropout: float = 0.0) -> nn.Module:
    act = ACTIVATIONS[activation]
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        act(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        act(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(144, 32),
        act(),
        nn.Dropout(dropout),
        nn.Linear(32, 10),
    )


def _resnet(norm: bool = True, blocks: int = 2, dropout: float = 0.0) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, stride=2),
        nn.BatchNorm2d(8) if norm else nn.Identity(),
        nn.ReLU(),
        *[Residual(8, norm) for _ in range(blocks)],
        nn.AvgPool2d(3, stride=2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(72, 10),
    )


def _autoencoder(activation: str = "relu", depth: int | None = None, **options: Any) -> nn.Module:
    sizes = [196, 64, 16, 64, 196]
    return mlp(sizes, activation, depth, **options)


class Variational(nn.Module):
    """An encoder to means and log variances, and a decoder."""

    def __init__(self, width: int = 6, activation: str = "relu", dropout: float = 0.0):
        super().__init__()
        self.encoder = mlp([196, 64, 2 * width], activation, dropout=dropout)
        self.decoder = mlp([width, 64, 196], activation, dropout=dropout)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances."""
        return self.encoder(images).chunk(2, 1)


def _evidence(
    net: nn.Module, examples: Examples, criterion: Criterion, random: torch.Generator
) -> Tensor:
    """The evidence lower bound, negative, by pixel."""
    mean, log_variance = net(*examples.inputs)
    noise = torch.randn(mean.shape, generator=random)
    logits = net.decoder(mean + noise * (0.5 * log_variance).exp())
    distance = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
    return criterion(logits, examples.target) + distance / examples.target.shape[1]


def _constant_pixels(examples: Examples) -> float:
    mean = examples.target.double().mean(0).clamp(1e-6, 1 - 1e-6)
    return float(-(mean * mean.log() + (1 - mean) * (1 - mean).log()).mean())


def _entropy(examples: Examples) -> float:
    return data.entropy(examples.target)


TASKS = [
    Task("image_dense", _labelled, _dense, F.cross_entropy, 768, 64, 10, constant=_entropy),
    Task("image_deep", _labelled, _deep, F.cross_entropy, 640, 64, 10, constant=_entropy),
    Task("image_cnn", _labelled, _cnn, F.cross_entropy, 768, 32, 10, constant=_entropy),
    Task("image_resnet", _labelled, _resnet, F.cross_entropy, 640, 32, 10, constant=_entropy),
    Task(
        "image_autoencoder",
        _plain,
        _autoencoder,
        F.mse_loss,
        768,
        64,
        constant=lambda e: data.variance(e.target),
    ),
    Task(
        "image_vae",
        _plain,
        lambda **options: Variational(**options),
        F.binary_cross_entropy_with_logits,
        768,
        64,
        objective=_evidence,
        constant=_constant_pixels,
    ),
]
