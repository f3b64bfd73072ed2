# SPDX-License-Identifier: Apache-2.0
"""What every optimizer of ravine.torch does in the same way."""

import inspect
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from ravine import _api
from ravine._library import RangeError, StateError, UnsupportedError, lib, made
from ravine._optimizer import StepStats, choice_number, options_of, stats_of
from ravine.torch._parts import check_whole, is_of_zero
from ravine.torch._session import Session, name_of
from ravine.torch._state import State
from ravine.torch._tensors import check_parameter

Keys = dict[str, tuple[str, ...]]


def setting_numbers(keys: Keys, group: dict[str, Any]) -> list[float]:
    """What the library's settings behind these keys are in a group now."""
    numbers: list[float] = []
    for key in keys:
        value = group[key]
        if isinstance(value, (tuple, list)):
            numbers += [0.0 if number is None else float(number) for number in value]
        elif isinstance(value, str):
            numbers.append(float(choice_number(key, value)))
        else:
            numbers.append(float(value))
    return numbers


class Optimizer(torch.optim.Optimizer):
    """Steps CPU tensors with the library: one call for each step, however many tensors there are.

    State lives in the library; `optimizer.state[p]["exp_avg"]` shows its memory. Beyond PyTorch's,
    constructors take two arguments. `nonfinite` says what happens to gradients that are not finite:
    "propagate" checks nothing, as PyTorch; "hold" leaves such elements, with their state, as they
    are; "skip" leaves the step out. `clip_norm` is that of step(), for every step, and so for those
    that a Trainer or a wrapper calls. Both are attributes too; neither is part of a state dict.
    """

    rule: ClassVar[str]  # the library's name
    # Keys of a parameter group, and the library's settings that they hold: one, or one for each.
    keys: ClassVar[Keys]
    counts_steps: ClassVar[bool] = True  # "step" is part of the state
    whole: ClassVar[bool]  # a step depends on the whole tensor: on the order of its elements

    nonfinite: str = "propagate"
    clip_norm: float | None = None
    stats: StepStats | None = None  # of the last step, if it was asked for one
    watcher: Any = None  # is told of every step: ravine.torch.watch()
    _ema: float = 0.0
    _of_zero: bool = False  # ZeroRedundancyOptimizer made it, for its part
    _session: Session | None = None

    def __init__(
        self, *args, nonfinite: str = "propagate", clip_norm: float | None = None, **kwargs
    ):
        """As PyTorch's, and what is ours of every step."""
        options = (nonfinite, clip_norm, 1.0, False)
        options_of(*options)  # raises if a word is wrong
        self.nonfinite, self.clip_norm = nonfinite, clip_norm
        self._of_zero = is_of_zero()
        super().__init__(*args, **kwargs)
        self._begin().set_options(options)  # raises if a number is

    def __init_subclass__(cls, **kwargs):
        """Shows help() and editors the arguments: those of PyTorch's constructor, and ours."""
        super().__init_subclass__(**kwargs)
        rule = getattr(cls, "rule", None)
        if not rule:
            return
        info = lib.ravine_rule_describe(lib.ravine_rule_find(rule.encode())).contents
        cls.whole = bool(info.whole)
        theirs = next((base for base in cls.__bases__ if not issubclass(base, Optimizer)), None)
        if theirs:
            words = [
                word.partition("=")
                for word in info.torch_settings.decode().replace("?", "").split()
            ]
            cls.keys = {key: tuple((names or key).split(",")) for key, _, names in words}
            cls.counts_steps = bool(info.torch_steps)
            known = inspect.signature(theirs)
            cls.__signature__ = known.replace(parameters=[*known.parameters.values(), *OURS])

    @classmethod
    def setting_names(cls) -> list[str]:
        """The library's settings in the order of numbers_of()."""
        return [name for names in cls.keys.values() for name in names] + ["ema_decay"]

    def values_of(self, group: dict[str, Any]) -> tuple:
        """What numbers_of() makes numbers of."""
        return (*map(group.__getitem__, self.keys), self._ema)

    def numbers_of(self, group: dict[str, Any]) -> list[float]:
        """What the library's settings are in a group now."""
        return [*setting_numbers(self.keys, group), self._ema]

    def _begin(self) -> Session:
        """A session from what groups and state are now."""
        for group in self.param_groups:
            for key in ("capturable", "differentiable"):
                if group.get(key):
                    raise UnsupportedError(
                        f"{type(self).__name__} with {key}=True: a step of the library is neither "
                        "captured in a graph nor differentiated; use torch.optim for that"
                    )
        self._session = Session(self)
        self.state = self._session.states
        return self._session

    def step(
        self,
        closure: Callable[[], Any] | None = None,
        *,
        clip_norm: float | None = None,
        ema: float | None = None,
        zero_grad: bool = False,
        stats: bool = False,
    ):
        """One step, in one pass over parameters, gradients and state.

        Args:
            closure: evaluates the model again and returns the loss, as in PyTorch.
            clip_norm: bound on the norm of all gradients, > 0, as clip_grad_norm_; None: as in the
                constructor, where None is off; math.inf: off in this step.
            ema: decay, in [0, 1), of an average of the weights, state key "ema", from this step
                on; None: as in the step before.
            zero_grad: gradients are zero after the step (they are not set to None).
            stats: also measure norms and what was clipped or held, into `optimizer.stats`.

        Returns:
            What the closure returned, or None.

        Raises:
            ravine.UnsupportedError: a parameter or gradient is sparse, not on the cpu, or neither
                float32 nor float64; clip_norm, or nonfinite="skip",
                where other processes have other parameters.
            ravine.RangeError: a setting of a group is out of its range.
        """
        clip_norm = self.clip_norm if clip_norm is None else clip_norm
        check_whole(self.param_groups, clip_norm, self.nonfinite, self._of_zero)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        session = self._ready(ema)
        # A GradScaler leaves these to optimizers that were made with fused=True.
        scale, found_inf = getattr(self, "grad_scale", None), getattr(self, "found_inf", None)
        if found_inf is not None and found_inf:
            return loss
        grad_scale = 1.0 if scale is None else float(scale)
        watched = self.watcher is not None
        measured = made(_api.ravine_step_stats) if stats or watched else None
        options = (self.nonfinite, clip_norm, grad_scale, zero_grad)
        session.set_options(options)
        try:
            status = session.step(measured)
        except StateError:  # parameters lie otherwise than they did
            session = self._begin()
            session.set_options(options)
            status = session.step(measured)
        self.stats = stats_of(status, measured) if stats else None
        if watched and session.params:
            self.watcher._stepped(session.pointer, loss)
        return loss

    def _ready(self, ema: float | None) -> Session:
        """A session that has what groups, state and settings are now."""
        before = self._ema
        if ema is not None:
            self._ema = ema
        try:
            session = self._session
            if session is None or not session.matches(self):
                session = self._begin()
            try:
                session.update_settings(self)
            except (StateError, RangeError):
                # Other state is needed: amsgrad, momentum, ema were off before. Or one setting does
                # not go with another one as that was; whether all do, a new session says.
                session = self._begin()
        except Exception:
            self._ema = before
            raise
        return session

    def _watched_by(self, watcher) -> None:
        """From the next step on the library keeps what a doctor looks at."""
        self.watcher = watcher
        self._begin()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As PyTorch's; what the library cannot step on is refused now."""
        super().add_param_group(param_group)
        number = len(self.param_groups) - 1
        group = self.param_groups[number]
        try:
            for k, p in enumerate(group["params"]):
                if p.requires_grad:
                    check_parameter(p, name_of(number, group, k), self.whole)
        except UnsupportedError:
            del self.param_groups[number]
            raise

    def state_dict(self) -> dict[str, Any]:
        """As PyTorch's, with its keys; the tensors are the state itself, not copies."""
        packed = super().state_dict()
        packed["state"] = {k: _plain(v) for k, v in packed["state"].items()}
        return packed

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As PyTorch's, with copies: of ours, or of the torch.optim class of the same name.

        Raises:
            ValueError: it does not fit; the optimizer is then as it was.
        """
        before = {"state": self.state, "param_groups": self.param_groups}
        try:
            super().load_state_dict(state_dict)
            self._load_numbers(state_dict)
        except Exception:
            self.__dict__.update(before)
            raise

    def _load_numbers(self, state_dict: dict[str, Any]) -> None:
        """What the library keeps in float64 for float32 parameters: PyTorch has rounded it."""
        saved = [i for group in state_dict["param_groups"] for i in group["params"]]
        params = [p for group in self.param_groups for p in group["params"]]
        for i, p in zip(saved, params, strict=True):
            for key, mine in self.state.get(p, {}).items():
                if key != "step" and torch.is_tensor(mine) and mine.dtype is not p.dtype:
                    mine.copy_(torch.as_tensor(state_dict["state"][i][key]))

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: everything but the library's side."""
        kept = super().__getstate__()
        kept["state"] = defaultdict(dict, {k: _plain(v) for k, v in self.state.items()})
        ours = ("nonfinite", "clip_norm", "_ema", "_of_zero")
        return kept | {name: getattr(self, name) for name in ours}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Makes a session of what was pickled, copied or loaded."""
        super().__setstate__(state)
        self._begin()


# What our constructors take beyond PyTorch's, as inspect.signature() shows it.
OURS = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (
        ("nonfinite", Optimizer.nonfinite, str),
        ("clip_norm", Optimizer.clip_norm, float | None),
    )
]


def _plain(state):
    return dict(state) if isinstance(state, State) else state
