# SPDX-License-Identifier: Apache-2.0
"""Carries out a setup: the only training loop of the battery."""

import hashlib
import math
import statistics
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from outside import data, rules
from outside.observe import Observer, Quietly
from outside.world import Criterion, Examples, Facts, Setup, Training

LOOKS = 16  # at the held-out examples, in a run
FIXED = 256  # training examples whose loss is measured beside them
PATIENCE = 32  # steps in a row without a finite loss, after which anybody would stop


def run(
    setup: Setup,
    seed: int,
    make_optimizer: rules.MakeOptimizer = rules.with_ravine,
    observers: Sequence[Observer] = (),
) -> dict[str, Any]:
    """Trains once, the same bits for the same setup and seed, whoever looks on.

    Args:
        setup: of a case: case.setup().
        seed: of the data, the first weights and all noise.
        make_optimizer: (rule, what is trained, lr, other options) -> an optimizer.
        observers: are told of every step, in this order.

    Returns:
        What the truth is found from: losses, what moved, how long it took.
    """
    torch.set_num_threads(1)
    began = time.process_time()
    training = _prepare(setup, seed, make_optimizer)
    facts = _facts(training)
    call = Quietly(observers)
    call("begin", training.net, training.optimizer, facts)
    record = _Record(training, facts, seed)
    record.look()
    _steps(training, facts, call, record)
    call("end")
    return record.summary() | {"seconds": round(time.process_time() - began, 2)}


def _prepare(setup: Setup, seed: int, make_optimizer: rules.MakeOptimizer) -> Training:
    train, held = setup.task.data(seed)
    for k, change in enumerate(setup.change_data):
        change(train, held, data.generator(seed, 101, k))
    torch.manual_seed(seed)
    net = setup.task.net(**setup.net)
    for change in setup.change_net:
        change(net, train)

    def make() -> torch.optim.Optimizer:
        trained = setup.trained(net) if setup.trained else net.parameters()
        return make_optimizer(setup.rule, trained, setup.lr, **setup.options)

    return Training(setup, net, make(), train, held, data.generator(seed, 102), make)


def _facts(training: Training) -> Facts:
    setup, task = training.setup, training.setup.task
    constant = task.constant(training.train) if task.constant else math.nan
    return Facts(
        task.name,
        setup.rule,
        setup.steps,
        setup.batch,
        setup.accumulate,
        len(training.train),
        task.classes,
        constant if math.isfinite(constant) else None,
        setup.clip_norm,
        tuple(setup.shape(k / setup.steps) for k in range(setup.steps)),
        task.measure is None,
        setup.parameter_type,
    )


def _steps(training: Training, facts: Facts, call: Quietly, record: "_Record") -> None:
    setup, optimizer, net = training.setup, training.optimizer, training.net
    bases = [group["lr"] for group in optimizer.param_groups]
    batches = setup.order(training.train, setup.batch, training.random)
    lost = 0
    for step in range(1, setup.steps + 1):
        for group, base in zip(optimizer.param_groups, bases, strict=True):
            group["lr"] = base * facts.rates[step - 1]
        if setup.zero == "before":
            optimizer.zero_grad()
        indices = [next(batches) for _ in range(setup.accumulate)]
        loss = sum(_backward(training, picked, call) for picked in indices) / setup.accumulate
        if setup.zero == "between":
            optimizer.zero_grad()
        call("before_step", step)
        if setup.clip_norm is not None:
            nn.utils.clip_grad_norm_(net.parameters(), setup.clip_norm)
        optimizer.step()
        training.step = step
        for hook in setup.after_step:
            hook(training)
        call("step", step, loss, torch.cat(indices))
        record.losses.append(loss)
        if step * LOOKS // setup.steps > (step - 1) * LOOKS // setup.steps:
            own = record.look()
            if facts.validates:
                call("validation", step, own)
        lost = 0 if math.isfinite(loss) else lost + 1
        if lost == PATIENCE:
            break


def _backward(training: Training, indices: Tensor, call: Quietly) -> float:
    """Adds to the gradients; the loss of the batch."""
    setup, net = training.setup, training.net
    net.train(setup.mode == "train")
    examples = training.train.take(indices)
    loss = setup.task.objective(net, examples, setup.loss, training.random)
    call("forward", loss, indices)
    share = setup.sign / (setup.accumulate if setup.average else 1)
    if loss.requires_grad:  # not where nothing is trained
        (loss * share).backward()
    return float(loss.detach())


class _Record:
    """Measures a run on held-out and on fixed training examples.

    own: with the loss that the run uses; clean, fixed: with the task's.
    """

    def __init__(self, training: Training, facts: Facts, seed: int):
        self.training, self.facts, self.seed = training, facts, seed
        self.losses: list[float] = []
        self.looks: list[dict[str, float]] = []
        self.start = {k: p.detach().clone() for k, p in training.net.named_parameters()}
        picked = torch.randperm(len(training.train), generator=data.generator(seed, 103))[:FIXED]
        self.fixed = training.train.take(picked)

    def look(self) -> float:
        """Measures now; the own loss on held-out examples."""
        setup, held = self.training.setup, self.training.held
        task = setup.task
        found = {
            "step": self.training.step,
            "own": self._loss(held, setup.loss),
            "clean": self._loss(held, task.criterion),
            "fixed": self._loss(self.fixed, task.criterion),
        }
        if task.measure:
            with torch.no_grad():
                found["clean"] = task.measure(self.training.net, held, self._random())
        self.looks.append(found)
        return found["own"]

    def _random(self) -> torch.Generator:
        return data.generator(self.seed, 104)

    @torch.no_grad()
    def _loss(self, examples: Examples, criterion: Criterion) -> float:
        net = self.training.net
        net.eval()
        objective = self.training.setup.task.objective
        return float(objective(net, examples, criterion, self._random()))

    def summary(self) -> dict[str, Any]:
        """Everything, for JSON; numbers that are not finite are null."""
        finite = [math.isfinite(x) for x in self.losses]
        tenth = max(1, len(self.losses) // 16)
        late = self.losses[len(self.losses) // 2 :]
        digest = hashlib.sha256()
        for p in self.training.net.parameters():
            digest.update(p.detach().numpy().tobytes())
        return {
            "steps": len(self.losses),
            "first_nonfinite": finite.index(False) + 1 if False in finite else None,
            "loss_start": _plain(_mean(self.losses[:4])),
            "loss_end": _plain(_mean(self.losses[-tenth:])),
            "quarters": [_plain(_mean(part)) for part in quarters(self.losses)],
            "middle": self._middle(),
            "median": _plain(statistics.median(late)),
            "largest": _plain(max(late)),
            "constant_loss": self.facts.constant_loss,
            "loss_zero": sum(x == 0 for x in self.losses),
            "looks": [{k: _plain(v) for k, v in look.items()} for look in self.looks],
            "moved": {k: self._moved(k, p) for k, p in self.training.net.named_parameters()},
            "sizes": {k: p.numel() for k, p in self.training.net.named_parameters()},
            "parameters": digest.hexdigest(),
        }

    def _middle(self) -> list[float] | None:
        """Means of eight losses before and after the middle of the run, if they are finite."""
        half = self.training.setup.steps // 2
        means = [_mean(self.losses[half + k : half + k + 8]) for k in (-8, 0)]
        return means if all(map(math.isfinite, means)) else None

    def _moved(self, name: str, now: Tensor) -> float | None:
        """How far a parameter went, as a share of its size at the start."""
        start = self.start[name]
        return _plain(float((now.detach() - start).norm() / start.norm().clamp_min(1e-12)))


def quarters(losses: list[float]) -> list[list[float]]:
    """The last two quarters of a run: at the end, and before."""
    n = max(1, len(losses) // 4)
    return [losses[-n:], losses[-2 * n : -n]]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _plain(x: float) -> float | None:
    return x if math.isfinite(x) else None
