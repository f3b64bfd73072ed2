# SPDX-License-Identifier: Apache-2.0
"""The loss around a training's parameters, and cures tried beside it, on a copy.

ravine_probe_run and ravine_try_cures move the library's copies of the parameters and ask for
losses, gradients and products with the Hessian there; they are computed by the copy of the model,
where that is.
"""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ravine import _api
from ravine._library import (
    ArgumentError,
    Error,
    OutOfMemoryError,
    RangeError,
    StateError,
    UnsupportedError,
    lib,
    made,
)
from ravine.torch._aside import Progress, seed
from ravine.torch._twin import Twin

Loss = Callable[[torch.nn.Module, Any], Tensor]

FIXED = 4  # batches by whose mean loss cures are judged, if there are twice as many
MOST = 36  # batches that are kept; training ones come again
JUDGED_STEPS = 8  # of a trial: ravine_try_cures
ALIKE = 0.3  # of their length by which two ways to a product may differ


@dataclass(frozen=True, slots=True)
class Plan:
    """How finely a probe looks."""

    fixed: int  # batches whose mean loss is looked at
    lanczos: int  # steps, for both spectra; a product counts as two gradients
    noise: int  # other batches

    SEARCHES = 20  # losses along lines

    @property
    def calls(self) -> int:
        """Gradients and losses that are computed."""
        return 1 + 4 * self.lanczos + self.SEARCHES + self.noise

    @property
    def cost(self) -> int:
        """The same, counted in gradients of a batch."""
        return self.fixed * (self.calls - self.noise) + self.noise

    def bytes(self, elements: int) -> int:
        """Of the library, beside the copies."""
        return 8 * elements * (self.lanczos + 6)


PLANS = [
    Plan(4, 20, 8),
    Plan(2, 20, 8),
    Plan(1, 20, 8),
    Plan(1, 12, 8),
    Plan(1, 8, 6),
    Plan(1, 5, 4),
]


def _free_bytes() -> float:
    """Memory that is free; infinite where nobody says."""
    with contextlib.suppress(OSError, ValueError, StopIteration), open("/proc/meminfo") as file:
        line = next(line for line in file if line.startswith("MemAvailable:"))
        return 1024.0 * int(line.split()[1])
    return math.inf


def plan_for(gradients: int, batches: int, elements: int) -> Plan:
    """The finest plan that costs no more gradients, and less than half of the free memory.

    Raises:
        ravine.RangeError: so few are not enough.
        ravine.OutOfMemoryError: there is not as much memory.
    """
    if gradients < PLANS[-1].cost:
        raise RangeError(f"gradients is {gradients}; a probe takes at least {PLANS[-1].cost}")
    allowed = [p for p in PLANS if p.cost <= gradients and p.fixed <= max(1, batches // 2)]
    free = _free_bytes()
    fitting = [plan for plan in allowed if plan.bytes(elements) < free / 2]
    if not fitting:
        least = PLANS[-1].bytes(elements) / 1e9
        raise OutOfMemoryError(
            f"a probe of {elements:,} parameters takes {least:.3g} GB beside the copies; "
            f"{free / 1e9:.3g} GB are free, of which it takes half at most"
        )
    return fitting[0]


def kept_batches(batches: Iterable[Any]) -> list[Any]:
    """The first of them.

    Raises:
        ravine.ArgumentError: there is none, or taking some would take them from the training.
    """
    if isinstance(batches, Iterator):
        raise ArgumentError(
            f"batches is a {type(batches).__name__}, which a look would use up: give a list, "
            "list(itertools.islice(loader, 12))"
        )
    if getattr(batches, "persistent_workers", False):
        raise ArgumentError(
            "batches is a DataLoader with persistent_workers=True, which the training may be in "
            "the middle of: give a list, list(itertools.islice(another_loader, 12))"
        )
    kept = list(islice(batches, MOST))
    if not kept:
        raise ArgumentError("batches is empty: at least one is needed, better 12")
    return kept


class Problem:
    """A copy of a training, as a ravine_problem."""

    def __init__(self, twin: Twin, loss_of_batch: Loss, batches: list[Any], progress: Progress):
        """Looks at it once, where the training is.

        Raises:
            ravine.ArgumentError: the loss is no number, or not of the copy's parameters.
            ravine.StateError: it is not finite.
        """
        self._twin, self._loss_of_batch, self._progress = twin, loss_of_batch, progress
        self._batches, self.fixed = batches, 1
        self._error: BaseException | None = None
        self._params = [q for q, _ in twin.pairs if q.requires_grad]
        self._look_home()
        self._record = made(_api.ravine_problem)
        self._record.evaluate = _api.ravine_evaluate(self._evaluate)
        if self._can_multiply():
            self._record.product = _api.ravine_product(self._multiply)

    def _look_home(self) -> None:
        """Which parameters take part."""
        loss = self._compute(0, gradient=True)
        reached = [q for q in self._params if q.grad is not None]
        if not reached:
            raise ArgumentError(
                "no parameter of the optimizer has a gradient of the loss: loss_of_batch(model, "
                "batch) must use the model that it is given, a copy, and give the loss as a tensor"
            )
        if not math.isfinite(loss):
            raise StateError(
                f"the loss of the first batch is {loss} at the parameters as they are: nothing to "
                "look at here; go back to a checkpoint"
            )
        self._pointer = self._twin.bind(reached)

    @property
    def elements(self) -> int:
        """Numbers that take part."""
        return sum(room.numel() for _, _, room in self._twin.parts)

    # ---- what the library asks

    def _evaluate(self, _context, number: int, gradient: int, loss) -> int:
        try:
            loss[0] = self._compute(number, bool(gradient))
            for q, _, room in self._twin.parts if gradient else []:
                room.copy_(_dense(q.grad))
        except BaseException as error:  # no exception finds its way through the library
            self._error = error
            return 1
        return 0

    def _multiply(self, _context, number: int, x, out) -> int:
        try:
            given = np.ctypeslib.as_array(x, (self.elements,))
            product = self._product(number, torch.from_numpy(given))
            np.ctypeslib.as_array(out, (self.elements,))[:] = product.numpy()
            self._progress.step()
        except BaseException as error:
            self._error = error
            return 1
        return 0

    def _of(self, number: int) -> list[Any]:
        """The batches of batch `number`: the fixed ones, or one of the others again and again."""
        if number == 0:
            return self._batches[: self.fixed]
        return [self._batches[self.fixed + number - 1]]

    def _losses(self, number: int) -> Iterator[Tensor]:
        """What each of the batches gives to the loss, where the library has moved the copy."""
        given = self._of(number)
        for k, batch in enumerate(given):
            self._twin.refresh()
            seed(FIXED * number + k)  # dropout keeps its mask
            loss = self._loss_of_batch(self._twin.model, batch)
            if not torch.is_tensor(loss) or loss.numel() != 1:
                what = list(loss.shape) if torch.is_tensor(loss) else type(loss).__name__
                raise ArgumentError(
                    f"loss_of_batch returned {what}; it must be a tensor of one number"
                )
            yield loss / len(given)

    def _compute(self, number: int, gradient: bool) -> float:
        """A loss; its gradient is then that of the copy's parameters."""
        total = 0.0
        for q in self._params if gradient else []:
            q.grad = None
        with torch.set_grad_enabled(gradient):
            for loss in self._losses(number):
                if gradient and loss.requires_grad and self._params:
                    loss.backward(inputs=self._params)
                total += float(loss.detach())
        self._progress.step()
        return total

    def _product(self, number: int, x: Tensor) -> Tensor:
        """The Hessian of a loss times x, by differentiating twice."""
        params = [q for q, _, _ in self._twin.parts]
        parts = x.split([q.numel() for q in params])
        along = [part.to(q).view_as(q) for part, q in zip(parts, params, strict=True)]
        total = torch.zeros(len(x), dtype=torch.float64)
        with torch.enable_grad(), _twice_differentiable():
            for loss in self._losses(number):
                slopes = torch.autograd.grad(loss, params, create_graph=True, allow_unused=True)
                kept = [(s, v) for s, v in zip(slopes, along, strict=True) if s is not None]
                kept = [(s, v) for s, v in kept if s.requires_grad]  # else it is straight
                if not kept:
                    continue
                bent = torch.autograd.grad(
                    [s for s, _ in kept],
                    params,
                    [v for _, v in kept],
                    allow_unused=True,
                    materialize_grads=True,
                )
                total += torch.cat([b.detach().flatten().to("cpu", torch.float64) for b in bent])
        return total

    def _can_multiply(self) -> bool:
        """Whether differentiating twice gives what differences of gradients show.

        Some functions refuse it; others, such as losses that compute their gradient beforehand,
        give a Hessian without their own part and say nothing.
        """
        along = self._gradient()
        along /= along.norm() if along.any() else 1
        try:
            product = self._product(0, along)
        except RuntimeError:
            return False
        if any(q.element_size() < 4 for q, _, _ in self._twin.parts):
            return True  # their differences show nothing
        differences = self._differences(along)
        return float((product - differences).norm()) <= ALIKE * float(differences.norm())

    def _gradient(self) -> Tensor:
        """Of the copy's parameters, as the last computation has left it."""
        grads = [_dense(q.grad) for q, _, _ in self._twin.parts]
        shapes = [room.shape for _, _, room in self._twin.parts]
        wide = [g.to("cpu", torch.float64).expand(s) for g, s in zip(grads, shapes, strict=True)]
        return torch.cat([g.flatten() for g in wide])

    def _differences(self, along: Tensor) -> Tensor:
        """The product with the Hessian by gradients at both sides of home."""
        mirrors = [mirror for _, mirror, _ in self._twin.parts]
        home = [mirror.clone() for mirror in mirrors]
        length = float(torch.cat([mirror.flatten().double() for mirror in mirrors]).norm())
        single = any(mirror.dtype is torch.float32 for mirror in mirrors)
        step = (1e-3 if single else 6e-6) * (length or 1)
        sides = []
        parts = along.split([mirror.numel() for mirror in mirrors])
        for side in (step, -step):
            for mirror, kept, part in zip(mirrors, home, parts, strict=True):
                mirror.copy_(kept + side * part.view_as(kept))
            self._compute(0, gradient=True)
            sides.append(self._gradient())
        for mirror, kept in zip(mirrors, home, strict=True):
            mirror.copy_(kept)
        return (sides[0] - sides[1]) / (2 * step)

    def _ask(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Calls the library; what failed in loss_of_batch goes on from here."""
        self._record.nbatches = len(self._batches) - self.fixed
        try:
            call(self._pointer, self._record, *arguments)
        except Error:
            if self._error is not None:
                raise self._error from None
            raise

    # ---- what is asked of the library

    def probe(self, gradients: int):
        """A ravine_probe."""
        plan = plan_for(gradients, len(self._batches), self.elements)
        self.fixed = plan.fixed
        options = made(_api.ravine_probe_options, lib.ravine_probe_options_init)
        options.lanczos = options.preconditioned = plan.lanczos
        options.noise = plan.noise
        known = self._twin.rule is not None
        if not known:
            options.preconditioned = 0
        self._progress.expected = plan.calls
        probe = made(_api.ravine_probe)
        self._ask(lib.ravine_probe_run, options, probe)
        if not known:  # the step was not that of this optimizer
            probe.lr = probe.limit = probe.critical_lr = math.nan
        return probe

    def try_cures(self, diagnosis, steps: int) -> None:
        """Tries the cures of a ravine_diagnosis, and sorts them."""
        if len(self._batches) > 1:
            self.fixed = min(FIXED, len(self._batches) // 2)
        self._progress.expected = (1 + diagnosis.ncures) * (steps + min(steps, JUDGED_STEPS))
        self._ask(lib.ravine_try_cures, steps, diagnosis)


def _dense(grad: Tensor | None) -> Tensor:
    if grad is None:
        return torch.zeros(())
    return grad.detach() if grad.layout is torch.strided else grad.detach().to_dense()


@contextlib.contextmanager
def _twice_differentiable() -> Iterator[None]:
    """Attention and recurrent layers by code that has a second derivative."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH), torch.backends.cudnn.flags(enabled=False):
        yield


def check_rule(twin: Twin, optimizer: torch.optim.Optimizer) -> None:
    """Raises if the library has no rule that makes an optimizer's steps."""
    if twin.rule is None:
        raise UnsupportedError(
            f"{type(optimizer).__name__}: cures are tried by steps of the library, and it has no "
            "such rule; doctor.probe() works with any optimizer"
        )
