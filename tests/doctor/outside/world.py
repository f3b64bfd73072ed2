# SPDX-License-Identifier: Apache-2.0
"""What a training run is made of: examples, a task, and a setup that causes change.

A task is the world as it should be. A setup is one training of it as somebody wrote it down; each
cause of failure is a function that changes a setup. train.py carries a setup out.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

Criterion = Callable[[Any, Tensor], Tensor]  # of a net's outputs and the target


@dataclass
class Examples:
    """Inputs and targets, one row an example; causes change them in place."""

    inputs: tuple[Tensor, ...]  # the numbers first, then whatever else the net takes
    target: Tensor

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.target)

    def take(self, indices: Tensor) -> "Examples":
        """A copy of some of them."""
        return Examples(tuple(x[indices] for x in self.inputs), self.target[indices])


# The loss of a net on examples; the generator is for tasks that draw noise.
Objective = Callable[[nn.Module, Examples, Criterion, torch.Generator], Tensor]


def supervised(
    net: nn.Module, examples: Examples, criterion: Criterion, random: torch.Generator
) -> Tensor:
    """The objective of most tasks."""
    return criterion(net(*examples.inputs), examples.target)


@dataclass(frozen=True)
class Task:
    """Something to learn, with the settings that usually learn it."""

    name: str
    data: Callable[[int], tuple[Examples, Examples]]  # of a seed: to train on, held out
    net: Callable[..., nn.Module]  # keywords: what causes may ask of the network
    criterion: Criterion
    steps: int
    batch: int
    classes: int | None = None  # None: no classification
    objective: Objective = supervised
    # What the truth is told by where the loss says nothing (GAN, policy gradient) or little.
    measure: Callable[[nn.Module, Examples, torch.Generator], float] | None = None
    # The loss of the best prediction that is the same for every example.
    constant: Callable[[Examples], float] | None = None
    warmup: float = 0.0  # share of the run over which lr usually rises
    # What usually stands beside lr, by rule.
    options: Mapping[str, dict[str, Any]] = field(default_factory=dict)


# lr as a share of itself, at a progress in [0, 1) and of so many steps.
Shape = Callable[[float], float]


def constant_rate(progress: float) -> float:
    """The same rate from the first step to the last."""
    return 1.0


# Index tensors without end, of the training examples, the batch size and a generator.
Order = Callable[[Examples, int, torch.Generator], Iterator[Tensor]]


def shuffled(train: Examples, batch: int, random: torch.Generator) -> Iterator[Tensor]:
    """Every example once an epoch, in an order of its own each time."""
    rest = torch.empty(0, dtype=torch.long)
    while True:
        while len(rest) < batch:
            rest = torch.cat([rest, torch.randperm(len(train), generator=random)])
        yield rest[:batch]
        rest = rest[batch:]


@dataclass
class Setup:
    """One training as somebody wrote it down."""

    task: Task
    rule: str
    lr: float
    options: dict[str, Any]  # of the optimizer, beside lr
    steps: int
    batch: int
    shape: Shape = constant_rate
    clip_norm: float | None = None
    accumulate: int = 1  # batches to one step
    average: bool = True  # over them
    sign: float = 1.0  # of what is differentiated
    zero: Literal["before", "between", "never"] = "before"  # where gradients become 0
    mode: Literal["train", "eval"] = "train"  # of the net, while it trains
    parameter_type: str = "float32"
    net: dict[str, Any] = field(default_factory=dict)  # keywords of task.net
    criterion: Criterion | None = None  # None: the task's
    order: Order = shuffled
    change_data: list[Callable[[Examples, Examples, torch.Generator], None]] = field(
        default_factory=list
    )
    change_net: list[Callable[[nn.Module, Examples], None]] = field(default_factory=list)
    # What the optimizer is given, of the net; None: net.parameters().
    trained: Callable[[nn.Module], Any] | None = None
    # After each of the optimizer's steps.
    after_step: list[Callable[["Training"], None]] = field(default_factory=list)

    @property
    def loss(self) -> Criterion:
        """The criterion in use."""
        return self.criterion or self.task.criterion


@dataclass
class Training:
    """A setup while it is carried out; hooks of causes are given it."""

    setup: Setup
    net: nn.Module
    optimizer: torch.optim.Optimizer
    train: Examples
    held: Examples
    random: torch.Generator
    renew: Callable[[], torch.optim.Optimizer]  # the same optimizer without its state
    step: int = 0  # steps that are done


@dataclass(frozen=True)
class Facts:
    """What the author of a training script knows of the run, and may tell a doctor."""

    task: str
    rule: str
    steps: int
    batch_size: int
    accumulate: int
    train_size: int
    classes: int | None
    constant_loss: float | None
    clip_norm: float | None
    rates: tuple[float, ...]  # what lr is multiplied with, step by step
    validates: bool  # is validation() going to be called?
    parameter_type: str  # what the parameters are kept in between two steps

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without the rates."""
        known = dataclasses.asdict(self)
        del known["rates"]
        return known
