# SPDX-License-Identifier: Apache-2.0
"""The networks of `ravine train` as modules, with parameters called as in weights.safetensors.

app/network/models.c has the same three models; docs/internals/net.md says why they are as they are.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
EPSILON = 1e-5  # of both norms


class Dense(nn.Linear):
    """A dense layer, then its norm and activation."""

    def __init__(self, inputs: int, units: int, key: Mapping[str, Any]):
        """key: the run's model.*, whose activation and norm it has."""
        super().__init__(inputs, units, bias=key["norm"] != "batch")
        if key["norm"] == "batch":
            self.norm = nn.BatchNorm1d(units, EPSILON)
        elif key["norm"] == "layer":
            self.norm = nn.GroupNorm(1, units, EPSILON)
        else:
            self.norm = nn.Identity()
        self.activation = ACTIVATIONS[key["activation"]]()

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, inputs]."""
        return self.activation(self.norm(super().forward(x)))


class Convolution(nn.Conv2d):
    """A convolution that keeps the size (but for its stride), then its norm."""

    def __init__(self, inputs, channels, kernel, key, *, stride=1, activation=True):
        """activation=False: none follows."""
        bias = key["norm"] != "batch"
        super().__init__(inputs, channels, kernel, stride, kernel // 2, bias=bias)
        if key["norm"] == "batch":
            self.norm = nn.BatchNorm2d(channels, EPSILON)
        elif key["norm"] == "layer":  # moments of a whole example, a weight for each channel
            self.norm = nn.GroupNorm(1, channels, EPSILON)
        else:
            self.norm = nn.Identity()
        self.activation = ACTIVATIONS[key["activation"]]() if activation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, inputs, height, width]."""
        return self.activation(self.norm(super().forward(x)))


class Flatten(nn.Module):
    """[count, channels, height, width] as the net has it: rows of pixels, channels last."""

    def forward(self, x: Tensor) -> Tensor:
        """A table stays as it is."""
        return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x


class Block(nn.Module):
    """Two convolutions around which the input is carried (He et al. 2015)."""

    def __init__(self, inputs, channels, stride, key):
        """The input goes through a convolution of 1 x 1 where shapes differ."""
        super().__init__()
        self.conv1 = Convolution(inputs, channels, 3, key, stride=stride)
        self.conv2 = Convolution(channels, channels, 3, key, activation=False)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != channels:
            self.shortcut = Convolution(inputs, channels, 1, key, stride=stride, activation=False)
        self.activation = ACTIVATIONS[key["activation"]]()

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, inputs, height, width]."""
        return self.activation(self.conv2(self.conv1(x)) + self.shortcut(x))


class Mean(nn.Module):
    """Of each channel over the map."""

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, channels, height, width]."""
        return x.mean(dim=(2, 3))


def _mlp(net: nn.Sequential, size: list[int], key: Mapping[str, Any]) -> int:
    net.add_module("flatten", Flatten())
    inputs = size[0] * size[1] * size[2]
    for k, units in enumerate(key["widths"], 1):
        net.add_module(f"layer{k}", Dense(inputs, units, key))
        net.add_module(f"dropout{k}", nn.Dropout(key["dropout"]))
        inputs = units
    return inputs


def _cnn(net: nn.Sequential, size: list[int], key: Mapping[str, Any]) -> int:
    inputs, height, width = size
    pool = nn.MaxPool2d if key["pooling"] == "max" else nn.AvgPool2d
    for k, channels in enumerate(key["widths"], 1):
        net.add_module(f"conv{k}", Convolution(inputs, channels, key["kernel"], key))
        net.add_module(f"pool{k}", pool(2))
        inputs, height, width = channels, height // 2, width // 2
    net.add_module("flatten", Flatten())
    inputs *= height * width
    if key["dense"]:
        net.add_module("dense", Dense(inputs, key["dense"], key))
        inputs = key["dense"]
    net.add_module("dropout", nn.Dropout(key["dropout"]))
    return inputs


def _resnet(net: nn.Sequential, size: list[int], key: Mapping[str, Any]) -> int:
    inputs = key["widths"][0]
    net.add_module("stem", Convolution(size[0], inputs, 3, key))
    for k, channels in enumerate(key["widths"]):
        stage = nn.Sequential()
        for b in range(key["blocks"]):
            stride = 2 if k > 0 and b == 0 else 1
            stage.add_module(f"block{b + 1}", Block(inputs, channels, stride, key))
            inputs = channels
        net.add_module(f"stage{k + 1}", stage)
    net.add_module("mean", Mean())
    net.add_module("dropout", nn.Dropout(key["dropout"]))
    return inputs


MODELS = {"mlp": _mlp, "cnn": _cnn, "resnet": _resnet}


def make_net(key: Mapping[str, Any], size: list[int], outputs: int) -> nn.Sequential:
    """The net of the run's model.*, for examples of this size, without memory for its numbers."""
    with torch.device("meta"):
        net = nn.Sequential()
        inputs = MODELS[key["name"]](net, size, key)
        net.add_module("output", nn.Linear(inputs, outputs))
    return net
