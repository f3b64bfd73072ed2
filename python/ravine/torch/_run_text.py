# SPDX-License-Identifier: Apache-2.0
"""The networks of texts of `ravine train` as modules: app/network/models.c has the same ones."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from ravine.torch._run_net import ACTIVATIONS, EPSILON

BYTES = 256  # that there are


class Attention(nn.Module):
    """Of each position to itself and those before it."""

    def __init__(self, key: Mapping[str, Any]):
        """key: the run's model.*."""
        super().__init__()
        self.heads = key["heads"]
        self.norm = nn.LayerNorm(key["width"], EPSILON)
        self.qkv = nn.Linear(key["width"], 3 * key["width"])
        self.out = nn.Linear(key["width"], key["width"])

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, positions, width]."""
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each [count, heads, positions, width of a head]
        y = scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(2))


class Wide(nn.Module):
    """Two linear layers for each position, the one between them four times as wide."""

    def __init__(self, key: Mapping[str, Any]):
        """key: the run's model.*."""
        super().__init__()
        self.norm = nn.LayerNorm(key["width"], EPSILON)
        self.wide = nn.Linear(key["width"], 4 * key["width"])
        self.activation = ACTIVATIONS[key["activation"]]()
        self.out = nn.Linear(4 * key["width"], key["width"])

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, positions, width]."""
        return self.out(self.activation(self.wide(x)))


class TextBlock(nn.Module):
    """Attention, then a wide layer, each around which its input is carried."""

    def __init__(self, key: Mapping[str, Any]):
        """key: the run's model.*."""
        super().__init__()
        self.attention = Attention(key)
        self.mlp = Wide(key)
        self.dropout = nn.Dropout(key["dropout"])
        self._first = key["norm"] == "pre"

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, positions, width]."""
        for part in (self.attention, self.mlp):
            if self._first:
                x = x + self.dropout(part(part.norm(x)))
            else:
                x = part.norm(x + self.dropout(part(x)))
        return x


class Transformer(nn.Module):
    """A decoder alone, whose output has the weight of its embedding."""

    def __init__(self, key: Mapping[str, Any], context: int):
        """key: the run's model.*; it has no memory for its numbers yet."""
        super().__init__()
        with torch.device("meta"):
            self.embedding = nn.Embedding(BYTES, key["width"])
            self.positions = nn.Embedding(context, key["width"])
            for k in range(1, key["layers"] + 1):
                self.add_module(f"block{k}", TextBlock(key))
            if key["norm"] == "pre":
                self.norm = nn.LayerNorm(key["width"], EPSILON)
        self.dropout = nn.Dropout(key["dropout"])
        self._blocks = [f"block{k}" for k in range(1, key["layers"] + 1)]

    def forward(self, x: Tensor) -> Tensor:
        """Logits [count, positions, 256] of bytes [count, positions]."""
        z = self.dropout(self.embedding(x) + self.positions.weight[: x.shape[1]])
        for name in self._blocks:
            z = self.get_submodule(name)(z)
        if hasattr(self, "norm"):
            z = self.norm(z)
        return linear(z, self.embedding.weight)


class Lstm(nn.Module):
    """Layers that carry a state from byte to byte; the output has the weight of the embedding."""

    def __init__(self, key: Mapping[str, Any], context: int):
        """As a Transformer; of any context."""
        super().__init__()
        width, layers = key["width"], key["layers"]
        with torch.device("meta"):
            self.embedding = nn.Embedding(BYTES, width)
            self.lstm = nn.LSTM(width, width, layers, batch_first=True, dropout=key["dropout"])

    def forward(self, x: Tensor) -> Tensor:
        """Logits [count, positions, 256] of bytes [count, positions]."""
        return linear(self.lstm(self.embedding(x))[0], self.embedding.weight)


TEXT_MODELS = {"transformer": Transformer, "lstm": Lstm}


class Bytes(nn.Module):
    """Sequences of bytes, checked."""

    def __init__(self, context: int):
        """context: bytes that the net sees at most."""
        super().__init__()
        self.context = context

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, positions] of 0 to 255."""
        if x.ndim != 2 or not 1 <= x.shape[1] <= self.context:
            raise ValueError(
                f"the text is {list(x.shape)}; it must be [count, 1 to {self.context}]: the run "
                f"has a context of {self.context} bytes"
            )
        return x.long()
