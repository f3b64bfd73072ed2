# SPDX-License-Identifier: Apache-2.0
"""A doctor beside a training in PyTorch."""

import contextlib
import math
import sys
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ravine import _api
from ravine._diagnosis import Diagnosis, diagnosis_of
from ravine._doctor import FACTS, FIRST_LOOK, Doctor, asks_for_something, is_time_to_look
from ravine._library import ArgumentError, UnsupportedError, lib, made, record_of
from ravine._records import Probe
from ravine.torch._aside import Progress, generators_of, untouched
from ravine.torch._dtensors import is_dtensor
from ravine.torch._facts import Inputs, loss_in
from ravine.torch._optimizer import Optimizer
from ravine.torch._parts import are_several, parameters_of
from ravine.torch._problem import Problem, check_rule, kept_batches
from ravine.torch._shown import Shown
from ravine.torch._sources import Others, Own, Shared, names_of
from ravine.torch._twin import Twin
from ravine.torch._voices import Voices, ranks_of

# What would tell more, by what is missing. Where a framework has the loop, its lines stand here.
ADVICE = {
    "loss": "doctor.tell(loss) before optimizer.step()",
    "losses": "doctor.tell(loss) in each",
    "model": "ravine.watch(optimizer, model)",
    "validation": "doctor.tell_validation(loss) now and then",
}


def _to_terminal(diagnosis: Diagnosis) -> None:
    print(f"ravine: {diagnosis}", file=sys.stderr)


def _to_nobody(diagnosis: Diagnosis) -> None:
    """The first of several processes speaks."""


def _number(loss) -> float:
    if not torch.is_tensor(loss):
        return float(loss)
    if loss.numel() != 1:
        raise ArgumentError(f"the loss has shape {list(loss.shape)}; it must be one number")
    return float(loss.detach())


def _mean(losses: list[float]) -> float:
    return math.fsum(losses) / len(losses) if all(map(math.isfinite, losses)) else sum(losses)


def _is_power_of_two(n: int) -> bool:
    return n & (n - 1) == 0


class _Guard:
    """Hands what fails in a watch to it; what is done under it leaves no trace in any graph."""

    __slots__ = ("_grad", "_watch")

    def __init__(self, watch: "Watch"):
        self._watch = watch

    def __enter__(self) -> None:
        self._grad = torch.is_grad_enabled()
        torch.set_grad_enabled(False)

    def __exit__(self, kind, error, trace) -> bool:
        torch.set_grad_enabled(self._grad)
        if isinstance(error, Exception):
            self._watch._failed(error)
            return True
        return False


class _Hook:
    """A hook of a module for a watch. A copy of the module has one that does nothing."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any] | None = None):
        self._call = call

    def __call__(self, *arguments) -> None:
        if self._call is not None:
            self._call(*arguments)

    def __reduce__(self):  # copying and pickling
        return _Hook, ()


_WATCHES: weakref.WeakSet["Watch"] = weakref.WeakSet()


class Watch(Doctor):
    """What watch() returns: it is told the losses, and asked for diagnoses."""

    advice = ADVICE

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        model: nn.Module | None,
        window: int,
        on_verdict: Callable[[Diagnosis], Any],
        criterion: nn.Module | None,
        facts: dict[str, float],
    ):
        """As watch()."""
        if not isinstance(criterion, (nn.Module, type(None))):
            raise ArgumentError(
                f"criterion is a {type(criterion).__name__}; it must be a torch.nn.Module, such as "
                "nn.CrossEntropyLoss(): of other losses doctor.tell(loss) is to be told"
            )
        super().__init__(window=window)
        self._given = set(facts)  # what the user says stands
        self._watched, self._model, self._window = optimizer, model, window
        self._criterion = criterion
        self._on_verdict = on_verdict
        self._losses: list[float] = []  # told since the last step
        self._first: list[float] = []  # of them, those of a closure's first call
        self._seen: list[float] = []  # those that a hook has seen, for steps of which none was told
        self._waits = 256  # losses without a step after which it says so
        self._tells = False  # somebody calls tell()
        self._told = self._validated = False
        self._verdict = "healthy"
        self._steps = self._observed = 0
        self._begun = False  # a step is on its way
        self._stopped = ""  # why it does not look any more
        self._bad = False  # the last step was not finite
        self._warned = made(_api.ravine_warning)
        self._shown = Shown(optimizer, model, self._tell)
        self._due = False  # it is time to look, at the next occasion
        self._join()
        for name, value in facts.items():
            self.fact(name, value)
        for other in [w for w in _WATCHES if w._watched is optimizer]:
            other._stop("another watch() of its optimizer took its place")
        if self._voices is not None:
            self._source: Any = Shared(optimizer, model, window, self._voices)
        elif isinstance(optimizer, Optimizer):
            self._source = Own(optimizer)
        else:
            self._source = Others(optimizer, model, window)
        self._left: Voices | None = None  # that it was part of
        self._step_hooks = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        ]
        self._handles = []
        if model is not None:
            hook = _Hook(self._see_inputs)
            self._handles.append(model.register_forward_pre_hook(hook, with_kwargs=True))
            self._handles.append(model.register_forward_hook(_Hook(self._see_output)))
        if criterion is not None:
            self._handles.append(criterion.register_forward_hook(_Hook(self._see_loss)))
        _WATCHES.add(self)

    def _join(self) -> None:
        """Finds the processes that train the same parameters, who all do this now."""
        self._voices: Voices | None = None
        self._waiting: dict[str, float] = {}  # facts that the others are to be told
        params = parameters_of(self._watched)
        ranks = ranks_of(params, self._model)
        if ranks is None:
            if self._on_verdict is _to_terminal and are_several() and torch.distributed.get_rank():
                self._on_verdict = _to_nobody
            return
        try:
            self._voices = Voices(ranks, params, self._model)
        except Exception as error:
            self._warn(
                f"ravine.watch looks at this process alone: call it in all {len(ranks)} that train "
                f"the model together ({error})"
            )
            return
        if self._voices.me:
            self._on_verdict = _to_nobody

    # ---- what it is told

    def tell(self, loss, *, times: float = 1.0) -> None:
        """The loss of a batch whose gradients the next step uses: a number or a tensor of one.

        Told before backward(), a tensor shows more: the loss's function keeps its targets until
        then. Of several losses before a step the mean counts. A step with a closure knows its loss
        itself, unless one is told in it. Steps of which no loss was told are not observed, unless
        the loss shows: watch().

        Args:
            loss: of one batch.
            times: what it is to be multiplied with: of losses that were divided by the number of
                batches in a step, that number.

        Raises:
            ravine.ArgumentError: the tensor has several numbers.
        """
        value = _number(loss) * times
        if self._stopped:
            return
        self._losses.append(value)
        self._tells = True
        self._expect_step(self._losses)
        self._see_graph(loss, times)

    def _expect_step(self, losses: list[float]) -> None:
        """Says it when losses come and no step does: a hook of the step alone would never wake."""
        if len(losses) == self._waits:
            self._warn(f"ravine.watch: {self._idle(losses)}")

    def _idle(self, losses: list[float]) -> str:
        return (
            f"{len(losses)} losses and no step since: step() is not called, or a GradScaler "
            "leaves each out"
        )

    def fact(self, name: str, value: float) -> None:
        """As Doctor.fact(); of several processes that know it the mean counts."""
        if self._voices is None:
            super().fact(name, value)
        elif name in FACTS:
            self._waiting[name] = value
        else:
            super().fact(name, value)  # raises

    def tell_validation(self, loss) -> None:
        """The loss, now, on examples that are not trained on: tell it again and again."""
        self._validated = True
        self.fact("validation", _number(loss))

    def tell_data(self, indices) -> None:
        """Which examples the next step's batch has: numbers, or a tensor of them."""
        first = next(iter(indices.flatten().tolist() if torch.is_tensor(indices) else indices))
        self.fact("example", float(first))

    # ---- what it says

    @property
    def diagnosis(self) -> Diagnosis:
        """What it thinks now."""
        return self.diagnose()

    def _find(self):
        if not self._stopped:
            with self._guarded():
                if self._voices is None:
                    self._tell_facts()
                else:
                    self._due = self._hear()
        return super()._find()

    def _missing(self, verdict: str) -> list[str]:
        """What was not told, with the line of code that would tell it."""
        if verdict != "unclear" and self._observed:
            return []
        lines = [f"anything since then: {self._stopped}"] if self._stopped else []
        heard = self._losses or self._seen
        if len(heard) >= self._waits:
            lines.append(f"anything: {self._idle(heard)}")
        elif self._steps == 0:
            lines.append("anything: no step was made since ravine.watch(optimizer)")
        elif not self._told:
            lines.append(f"anything: no loss was told; {self.advice['loss']}")
        elif self._steps > 2 * self._observed:
            untold = self._steps - self._observed
            lines.append(
                f"{untold} of {self._steps} steps: no loss was told; {self.advice['losses']}"
            )
        if self._model is None and self.advice["model"]:
            lines.append(f"what the optimizer does not have: {self.advice['model']}")
        if self._told and not self._validated:
            lines.append(f"overfitting: {self.advice['validation']}")
        return lines

    # ---- what it tries

    def probe(
        self,
        loss_of_batch: Callable[[nn.Module, Any], Tensor],
        batches: Iterable[Any],
        *,
        gradients: int = 250,
        progress: Callable[[int, int], Any] | None = None,
    ) -> Probe:
        """Looks at the loss around the parameters; the diagnosis counts with it from then on.

            doctor.probe(lambda model, batch: criterion(model(batch[0]), batch[1]), loader)

        Both ends of the Hessian's spectrum, the sharpness under sigma against the rule's limit, the
        learning rate from which the next step would raise the loss, and the noise of the batches.
        It is computed on a copy, in the mode that the model is in: nothing of the training changes,
        neither parameters, gradients, buffers and state nor random numbers.

        Args:
            loss_of_batch: given a copy of the model and a batch, computes the loss as in training.
            batches: a list or a DataLoader, from which the first ones are taken: 12 are enough.
            gradients: of a batch, that it may compute at most; it looks as finely as they allow.
            progress: called with how many were computed, of about how many; None: a line on stderr
                if that is a terminal.

        Returns:
            What ravine_doctor.h says of ravine_probe.

        Raises:
            ravine.ArgumentError: there is no model, it cannot be copied, or the loss is no number.
            ravine.UnsupportedError: its parameters are DTensors.
            ravine.StateError: loss or gradient are not finite where the parameters are.
            ravine.RangeError: so few gradients are not enough.
            ravine.OutOfMemoryError: more than half of the free memory would be needed.
        """
        with self._beside("probing", loss_of_batch, batches, progress) as problem:
            probe = problem.probe(gradients)
        probe.step = self._find().step
        lib.ravine_doctor_take_probe(self._pointer, probe)
        return record_of(Probe, probe)

    def try_cures(
        self,
        loss_of_batch: Callable[[nn.Module, Any], Tensor],
        batches: Iterable[Any],
        *,
        steps: int = 100,
        progress: Callable[[int, int], Any] | None = None,
    ) -> Diagnosis:
        """Tries each cure of the diagnosis beside the unchanged run, on the same batches.

        From copies, as probe(). Cures are settings, schedules and rules of the library, and what it
        does is what ravine_try_cures says: those that helped come first, then what no program can
        try; what did harm is left out.

        Args:
            loss_of_batch: given a copy of the model and a batch, computes the loss as in training.
            batches: a list or a DataLoader; the first four, or half of them, judge by their mean
                loss, the others are trained on, 32 at most, again and again.
            steps: of each run.
            progress: as in probe().

        Returns:
            The diagnosis, with the losses; as it was where no cure is one that a program can try.

        Raises:
            ravine.UnsupportedError: the library has no rule that steps as the optimizer does; or
                as probe().
            ravine.RangeError: steps is below 1.
            ravine.Error: as probe().
        """
        found = self._find()
        if all(c.action == _api.RAVINE_CURE_ADVICE for c in found.cure[: found.ncures]):
            return diagnosis_of(found, self.facts)
        with self._beside("trying cures", loss_of_batch, batches, progress, True) as problem:
            problem.try_cures(found, steps)
        return diagnosis_of(found, self.facts, steps)

    @contextlib.contextmanager
    def _beside(self, what, loss_of_batch, batches, progress, steps=False) -> Iterator[Problem]:
        """A copy of the training as it is now."""
        if self._model is None:
            raise ArgumentError("there is no model to look at: ravine.watch(optimizer, model)")
        if any(map(is_dtensor, self._model.parameters())):
            raise UnsupportedError(
                f"{what} needs a copy of the whole model, and its parameters are DTensors: load a "
                "checkpoint in one process and try there"
            )
        clip_norm = self.facts.get("clip_norm", getattr(self._watched, "clip_norm", None))
        names = names_of(self._watched, self._model)
        shown = Progress(what, progress)
        try:
            with torch.inference_mode(False), untouched(generators_of(batches)):
                twin = Twin(self._watched, self._model, names, clip_norm)
                if steps:
                    check_rule(twin, self._watched)
                yield Problem(twin, loss_of_batch, kept_batches(batches), shown)
        finally:
            shown.end()

    def detach(self) -> None:
        """Looks no more; the optimizer and the model are as if nobody had watched them."""
        self._stop("it was detached")

    # ---- hooks

    def _guarded(self) -> "_Guard":
        """What fails in here ends the watch, never the training."""
        return _Guard(self)

    def _failed(self, error: Exception) -> None:
        if self._stopped:
            return
        self._stop(f"it failed: {type(error).__name__}: {error}")
        self._warn(f"ravine.watch looks no more, {self._stopped}; the training goes on")

    def _warn(self, text: str) -> None:
        with contextlib.suppress(Warning):  # where warnings are errors
            warnings.warn(text, RuntimeWarning, stacklevel=5)

    def _stop(self, why: str) -> None:
        if self._stopped:
            return
        self._stopped = why
        for handle in self._handles:
            handle.remove()
        self._source.detach()
        _WATCHES.discard(self)
        if self._voices is None:
            self._leave()

    def _leave(self) -> None:
        """Of other processes nobody is heard any more; they know it."""
        self._left, self._voices = self._voices, None  # the last message may be on its way
        for handle in self._step_hooks:
            handle.remove()

    def _before(self, optimizer, args, kwargs):
        """Before a step: its gradients, or the closure that will make them."""
        self._begun = True
        if self._voices is not None:
            self._speak(self._hear_before_step)
        if self._stopped:
            return None
        with self._guarded():
            closure = args[1] if len(args) > 1 else kwargs.get("closure")
            if closure is None:
                self._take()
            elif len(args) > 1:
                return (args[0], self._heard(closure), *args[2:]), kwargs
            else:
                return args, kwargs | {"closure": self._heard(closure)}
        return None

    def _heard(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """The closure, of whose first loss in a step the doctor hears."""
        first = [True]

        def heard():
            loss = closure()
            if first:
                first.clear()
                with self._guarded():
                    if not self._losses and loss is not None:
                        self._losses = [_number(loss)]
                    self._first = self._losses
                    self._losses = []
                    self._take()
            return loss

        return heard

    def _take(self) -> None:
        """A step begins, and its gradients are there."""
        if not self._steps:
            self._shown.begin({p for w in _WATCHES for p in parameters_of(w._watched)})
        params = parameters_of(self._watched)
        resumed = self._steps == 1 and self.facts.get("resumed", 0) > 0
        self._shown.see_step(params, self._observed, resumed)
        self._source.before(params)

    def _after(self, optimizer, args, kwargs) -> None:
        """After a step: whether there is something to say, and to whom."""
        if not self._begun:  # a step() that calls that of its base class has two hooks
            return
        self._begun = False
        if not self._stopped:
            self._speak(self._step)
        if self._stopped and self._voices is not None:
            with self._guarded():
                self._voices.send(self._source.goodbye())
            self._leave()

    def _speak(self, sees: Callable[[], bool]) -> None:
        """Looks at what it sees, if it is time to, and says what is new."""
        found: Diagnosis | None = None
        with self._guarded():
            if sees():
                found = self._look()
        if found is not None:
            self._on_verdict(found)  # what fails there is the user's

    def _step(self) -> bool:
        """Takes in a step; whether it is time to look."""
        losses = self._first or self._losses or self._seen
        self._waits = max(self._waits, 4 * len(losses))
        self._losses, self._first, self._seen = [], [], []
        self._steps += 1
        self._due |= self._is_urgent()
        if self._voices is not None:
            self._send(losses)  # and sees what came of it before the next step
            return False
        if not self._source.can_observe() or not losses:
            return self._take_in(None)
        loss = _mean(losses)
        self._source.observe(self._pointer, loss)
        return self._take_in(loss)

    def _take_in(self, loss: float | None) -> bool:
        """After the doctor has observed a step of that loss, or has not: whether to look."""
        due, self._due = self._due, False
        if loss is None:
            return due or (self._steps == FIRST_LOOK and not self._told)
        self._told = True
        self._observed += 1
        return self._is_bad(loss) or is_time_to_look(self._observed, self._window) or due

    def _send(self, losses: list[float]) -> None:
        """Tells the other processes what this one has seen of a step."""
        if _is_power_of_two(self._steps) or self._steps % (self._window // 2) == 0:
            self._tell_facts()
        message = self._source.message()
        if losses:
            message.tell_loss(_mean(losses))
        for name, value in self._waiting.items():
            message.tell_fact(name, value)
        self._waiting = {}
        self._voices.send(message)

    def _hear_before_step(self) -> bool:
        due = self._hear()
        if self._voices is not None and self._voices.may_be_missed():
            self._stop("under torch.distributed.algorithms.Join processes make different steps")
            self._leave()
        return due

    def _hear(self) -> bool:
        """Takes in what all have seen of the last step; whether it is time to look."""
        message = self._voices.hear()
        if message is None:
            due, self._due = self._due, False
            return due and not self._stopped
        if message.leaving[0]:
            self._stop("it has stopped in another process")
            self._leave()
        if self._stopped:
            return False
        for name, value in message.facts().items():
            super().fact(name, value)
        losses = message.losses()
        if not losses or message.taken[0] < len(self._voices.ranks):
            return self._take_in(None)
        loss = _mean(losses)
        self._source.observe_all(self._pointer, message, loss)
        return self._take_in(loss)

    def _is_urgent(self) -> bool:
        """Whether no gradient came so far, or parameters turn out to be in no optimizer."""
        if self._steps == 2 and self._shown.foreign_share() > 0:
            return True
        return not self._shown.reached and _is_power_of_two(self._steps)

    def _is_bad(self, loss: float) -> bool:
        """Whether a step is not finite, and the one before it was."""
        before = self._bad
        lib.ravine_doctor_warning(self._pointer, self._warned)
        bad_gradient = self._warned.kind == _api.RAVINE_WARNING_NONFINITE_GRADIENT
        self._bad = bad_gradient or not math.isfinite(loss)
        return self._bad and not before

    def _look(self) -> Diagnosis | None:
        """The verdict, if it is a new one that is worth being told."""
        found = self.diagnose()
        if self._steps >= FIRST_LOOK and not self._told and found.verdict == "unclear":
            return found
        is_new = asks_for_something(found) and found.verdict != self._verdict
        self._verdict = found.verdict
        return found if is_new else None

    # ---- what model and graph show

    def _see_inputs(self, model, args, kwargs) -> None:
        if not torch.is_grad_enabled() or self._shown.inputs.calls >= Inputs.CALLS:
            return  # it is evaluated; model.training may be wrong
        with self._guarded():
            self._shown.inputs.see([*args, *kwargs.values()])

    def _see_output(self, model, args, output) -> None:
        """What the model's result calls its loss."""
        if self._tells or self._criterion is not None or not torch.is_grad_enabled():
            return
        with self._guarded():
            self._see_loss(model, args, loss_in(output))

    def _see_loss(self, criterion, args, loss) -> None:
        """What a criterion gives, or a model: one number that parameters can learn from."""
        if self._tells or not torch.is_tensor(loss) or loss.numel() != 1 or not loss.requires_grad:
            return
        self._seen.append(_number(loss))
        self._expect_step(self._seen)
        self._see_graph(loss, 1.0)

    def _see_graph(self, loss, times: float) -> None:
        """What the loss's function is given, and its targets."""
        if torch.is_tensor(loss) and loss.grad_fn is not None and self._shown.looks_at_graphs():
            with self._guarded():
                self._shown.see_graph(loss, times)

    def _tell(self, name: str, value: float) -> None:
        if name not in self._given:
            self.fact(name, value)

    def _tell_facts(self) -> None:
        """Facts that become known while it trains."""
        self._shown.tell_facts(self._steps, self._observed)


def unwrapped(optimizer: Any) -> Any:
    """The optimizer that steps: Accelerate and Lightning put another around it."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), torch.optim.Optimizer):
        optimizer = inner
    return optimizer


def watch(
    optimizer: torch.optim.Optimizer,
    model: nn.Module | None = None,
    *,
    window: int = 256,
    on_verdict: Callable[[Diagnosis], Any] = _to_terminal,
    criterion: nn.Module | None = None,
    **facts: float,
) -> Watch:
    """Has a doctor watch an optimizer from its next step on.

        doctor = ravine.watch(optimizer, model)
        loss = criterion(model(x), y)
        doctor.tell(loss)
        loss.backward()
        optimizer.step()

    No bit of the training changes. What fails in the watch ends the watch with a warning, never
    the training. Of several processes that train DTensors, or a model of DistributedDataParallel,
    every one calls it: all doctors say the same, and the first one speaks.

    Args:
        optimizer: any of PyTorch's, of this module's or of somebody else's, also as Accelerate
            and Lightning wrap them.
        model: what is trained: parameters are then called by their names, and what the optimizer
            does not have, frozen layers, dropout, batch norms and inputs are looked at, too.
        window: steps over which the doctor judges, in [16, 65536]. It looks after 16, 32, 64, ...
            steps, then every half window, and at once where a number is not finite, no gradient
            comes or parameters are in no optimizer.
        on_verdict: called with each new verdict that asks for something; prints it to stderr.
        criterion: the module that computes the loss of this optimizer, nn.CrossEntropyLoss(), ...:
            tell() is then not needed. Nor is it where the model's own result has a `loss`, as those
            of Hugging Face have. Where tell() is called, it counts.
        facts: what no step shows, by its name: total_steps=10000, clip_norm=1.0, classes=10, ...

    Returns:
        The doctor: `diagnosis` is what it thinks now, `warning()` what the last step forebodes.

    Raises:
        ravine.ArgumentError: it is no optimizer of PyTorch; there is no such fact; the criterion is
            no module.
        ravine.RangeError: the window is out of its range.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ArgumentError(f"{type(optimizer).__name__} is no torch.optim.Optimizer")
    return Watch(unwrapped(optimizer), model, window, on_verdict, criterion, facts)
