# SPDX-License-Identifier: Apache-2.0
"""Networks that several tasks share."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}


def mlp(
    sizes: list[int],
    activation: str = "relu",
    depth: int | None = None,
    dropout: float = 0.0,
    norm: bool = False,
    he: bool = False,
) -> nn.Sequential:
    """Linear layers with an activation between them.

    Args:
        sizes: inputs, units of each hidden layer, outputs.
        activation: a key of ACTIVATIONS.
        depth: so many hidden layers, as wide as the first one; None: those of sizes.
        dropout: after each activation.
        norm: a batch norm before each activation.
        he: He's initialization, which keeps the signal through many layers of ReLU.
    """
    if depth is not None:
        sizes = [sizes[0]] + [sizes[1]] * depth + [sizes[-1]]
    layers: list[nn.Module] = []
    for k, (n, m) in enumerate(zip(sizes, sizes[1:], strict=False)):
        layers.append(nn.Linear(n, m))
        if he:
            nn.init.kaiming_normal_(layers[-1].weight, nonlinearity="relu")
            nn.init.zeros_(layers[-1].bias)
        if k == len(sizes) - 2:
            break
        if norm:
            layers.append(nn.BatchNorm1d(m))
        layers.append(ACTIVATIONS[activation]())
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


class Mixed(nn.Module):
    """A body on numbers and on embeddings of categories."""

    def __init__(self, levels: list[int], width: int, numbers: int, sizes: list[int], **body: Any):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(n, width) for n in levels])
        self.body = mlp([numbers + width * len(levels), *sizes], **body)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Outputs of [batch, numbers] and [batch, columns]."""
        found = [e(categories[:, k]) for k, e in enumerate(self.embeddings)]
        return self.body(torch.cat([numbers, *found], 1))


class Attention(nn.Module):
    """Causal attention of several heads."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, time, width] from the same."""
        batch, time, width = x.shape
        q, k, v = self.mix(x).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(found.transpose(1, 2).reshape(batch, time, width))


class Block(nn.Module):
    """A layer of a Transformer, its norms before (pre) or after the sums."""

    def __init__(self, width: int, heads: int, pre: bool, activation: str, dropout: float):
        super().__init__()
        self.pre = pre
        self.attention = Attention(width, heads)
        self.dense = mlp([width, 2 * width, width], activation)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, time, width] from the same."""
        for norm, part in zip(self.norms, (self.attention, self.dense), strict=True):
            if self.pre:
                x = x + self.drop(part(norm(x)))
            else:
                x = norm(x + self.drop(part(x)))
        return x


class Transformer(nn.Module):
    """Symbols in, the logits of the next symbol out, classes in the second dimension."""

    def __init__(
        self,
        symbols: int,
        time: int,
        width: int = 32,
        blocks: int = 2,
        pre: bool = True,
        activation: str = "relu",
        dropout: float = 0.0,
    ):
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.place = nn.Parameter(torch.randn(time, width) * 0.1)
        self.blocks = nn.ModuleList(
            [Block(width, 2, pre, activation, dropout) for _ in range(blocks)]
        )
        self.norm = nn.LayerNorm(width) if pre else nn.Identity()
        self.head = nn.Linear(width, symbols)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, symbols: Tensor) -> Tensor:
        """[batch, symbols, time] from [batch, time]."""
        x = self.symbol(symbols) + self.place
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).transpose(1, 2)


class Recurrent(nn.Module):
    """The last state of an RNN, LSTM or GRU, read by a linear layer; or every state."""

    def __init__(
        self,
        kind: type[nn.RNNBase],
        inputs: int,
        width: int,
        outputs: int,
        every: bool = False,
        symbols: bool = False,
        orthogonal: bool = False,
        dropout: float = 0.0,
        activation: str | None = None,
    ):
        super().__init__()
        self.symbol = nn.Embedding(inputs, width) if symbols else nn.Identity()
        more = {"nonlinearity": activation} if activation else {}
        self.memory = kind(width if symbols else inputs, width, batch_first=True, **more)
        if orthogonal:
            nn.init.orthogonal_(self.memory.weight_hh_l0)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        self.every = every

    def forward(self, x: Tensor) -> Tensor:
        """[batch, outputs], or [batch, outputs, time], from [batch, time, ...]."""
        states = self.memory(self.symbol(x))[0]
        if self.every:
            return self.head(self.drop(states)).transpose(1, 2)
        return self.head(self.drop(states[:, -1]))


class Residual(nn.Module):
    """Two convolutions with a way around them."""

    def __init__(self, channels: int, norm: bool):
        super().__init__()

        def half() -> list[nn.Module]:
            convolution = nn.Conv2d(channels, channels, 3, padding=1, bias=not norm)
            return [convolution, nn.BatchNorm2d(channels) if norm else nn.Identity()]

        self.body = nn.Sequential(*half(), nn.ReLU(), *half())

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] from the same."""
        return F.relu(x + self.body(x))


def stages(net: nn.Module) -> list[nn.Module]:
    """The parts of a net that have parameters, in the order of the signal."""
    found: list[nn.Module] = []
    for child in net.children():
        if isinstance(child, (nn.Sequential, nn.ModuleList)):
            found += stages(child)
        elif next(child.parameters(), None) is not None:
            found.append(child)
    return found
