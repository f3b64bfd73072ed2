# SPDX-License-Identifier: Apache-2.0
"""The library's side of a PyTorch optimizer.

A session is made from an optimizer's groups and state, and lasts until those are changed other
than by steps: then a new one is made in the same way. Parameters come into it when they first have
a gradient, or a state.
"""

import ctypes
import os
from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

import torch

from ravine import _api
from ravine._library import ArgumentError, Error, Handle, StateError, UnsupportedError, lib, made
from ravine._optimizer import options_of, setting_number
from ravine.torch._dtensors import beside, is_dtensor, like, local, spread_as
from ravine.torch._state import Changes, State, States
from ravine.torch._tensors import (
    DTYPES,
    Addresses,
    as_it_shows,
    check,
    check_parameter,
    in_order,
    is_expanded,
    storage_order,
    view,
)


def _workers() -> dict[str, Any]:
    """Where steps run, as arguments of Handle: on PyTorch's own threads and as many as it uses.

    Those that backward() has used spin for more work for a while: other threads would fight them
    for processors. RAVINE_THREADS, or a PyTorch without OpenMP, means the library's threads.
    """
    if "RAVINE_THREADS" in os.environ:
        return {"threads": 0}
    threads = torch.get_num_threads()
    start = getattr(ctypes.CDLL(None), "GOMP_parallel", None)
    if threads == 1 or start is None:
        return {"threads": threads}
    team = made(_api.ravine_openmp)
    team.threads, team.process = threads, os.getpid()
    team.start = ctypes.cast(start, type(team.start))
    return {"openmp": team}


def config_of_numbers(rule: str, names, numbers):
    """A rule's defaults with these settings."""
    config = made(_api.ravine_config)
    lib.ravine_config_init(config, lib.ravine_rule_find(rule.encode()))
    for name, number in zip(names, numbers, strict=True):
        setattr(config, name, number)
    return config


def name_of(number: int, group: dict[str, Any], k: int) -> str:
    """What messages call parameter k of a group, by its name too where PyTorch was told it."""
    given = group.get("param_names", [])[k : k + 1]
    return " ".join([f"parameter {k} of group {number}", *(f"({name})" for name in given)])


_GRAD = attrgetter("grad")
_IS_NEGATED = torch.Tensor.is_neg


class Session:
    """The library's optimizer for an optimizer of PyTorch."""

    def __init__(self, optimizer):
        """Takes over the optimizer's groups and state, which becomes views of the library's."""
        groups, before = optimizer.param_groups, optimizer.state
        self.changes = Changes()
        self.states = States(self.changes)  # becomes optimizer.state
        self.setting_names = optimizer.setting_names()
        self.counts_steps = optimizer.counts_steps
        self.whole = optimizer.whole
        self.numbers = [optimizer.numbers_of(group) for group in groups]
        self.values: list[tuple] = [()] * len(groups)  # from which they came; (): they may change
        self.options: tuple = ()
        self.listed = [list(group["params"]) for group in groups]
        self.pending: dict[torch.Tensor, tuple[int, str]] = {}  # wait for a gradient: group, name
        self.params: tuple[torch.Tensor, ...] = ()  # the others, in the library's order
        self.has_dtensors = False
        self.gathered: list[torch.Tensor] = []  # gradients that lie otherwise than their DTensors
        self.names: list[str] = []
        self.orders: list[tuple[int, ...] | None] = []  # in which the state lies; None: row-major
        self.shapes: list[torch.Size] = []
        self.turned: list[tuple[int, tuple[int, ...]]] = []  # those whose order is another one
        self.clocks = torch.zeros(0)
        self.clock_version = self.clocks._version
        first, *others = (
            config_of_numbers(optimizer.rule, self.setting_names, n) for n in self.numbers
        )
        self.handle = Handle(first, statistics=optimizer.watcher is not None, **_workers())
        self.pointer = self.handle.pointer
        for config in others:
            lib.ravine_add_group(self.pointer, config, None)
        for i, group in enumerate(groups):
            for k, p in enumerate(group["params"]):
                self.pending.setdefault(p, (i, name_of(i, group, k)))
        for key, value in before.items():
            if key not in self.pending:
                dict.__setitem__(self.states, key, value)  # not ours: kept as PyTorch keeps it
        self.adopt([p for p in self.pending if before.get(p)], before)

    def matches(self, optimizer) -> bool:
        """Whether groups and state are as this session has left them."""
        groups = optimizer.param_groups
        return (
            optimizer.state is self.states
            and not self.changes.any
            and len(groups) == len(self.listed)
            and all(map(_same, (group["params"] for group in groups), self.listed))
        )

    def adopt(self, params: list[torch.Tensor], before) -> None:
        """Adds pending parameters, with the state that they had before."""
        if not params:
            return
        entries = (_api.ravine_param * len(params))()
        orders = []
        parts = [local(p) for p in params]
        for entry, whole, p in zip(entries, params, parts, strict=True):
            group, name = self.pending[whole]
            check_parameter(whole, name, self.whole)
            entry.size = ctypes.sizeof(entry)
            entry.dtype = DTYPES[p.dtype]
            entry.group = group
            entry.name = name.encode()
            entry.data = p.data_ptr()
            entry.len = p.numel()
            orders.append(self._order_of(p))
            shape = in_order(p, orders[-1]).shape
            entry.shape, entry.ndim = (ctypes.c_int64 * len(shape))(*shape), len(shape)
        lib.ravine_add(self.pointer, entries, len(params))
        first = len(self.params)
        self.params += tuple(params)
        self.orders += orders
        self.shapes += [p.shape for p in parts]
        self.has_dtensors |= any(map(is_dtensor, params))
        self.names += [self.pending.pop(p)[1] for p in params]
        turned = [(i, order) for i, order in enumerate(self.orders) if order]
        self.turned = [(i, order) for i, order in turned if list(order) != sorted(order)]
        self.data = Addresses(self.pointer, len(self.params))
        self.grad = Addresses(self.pointer, len(self.params))
        self._grow_clocks()
        for i in range(first, len(self.params)):
            self._take_state(i, before.get(self.params[i], {}))
        self.clock_version = self.clocks._version

    def _order_of(self, p) -> tuple[int, ...] | None:
        """The order of dimensions in which the library steps a parameter; None: that of a copy."""
        order = storage_order(p)
        return None if self.whole and order and list(order) != sorted(order) else order

    def _grow_clocks(self) -> None:
        """Keeps "step" of all parameters in one tensor: one addition counts for all."""
        kept = self.clocks
        wide = torch.get_default_dtype() is torch.float64  # as PyTorch does
        self.clocks = torch.zeros(len(self.params), dtype=torch.float64 if wide else torch.float32)
        self.clocks[: len(kept)] = kept
        self.clock_numbers = self.clocks.numpy()  # the same memory
        for i in range(len(kept) if self.counts_steps else 0):
            dict.__setitem__(self.states[self.params[i]], "step", self.clocks[i])

    def _take_state(self, i: int, before: dict) -> None:
        """Makes the views of a new parameter's state and copies what it had before into them."""
        p, name = self.params[i], self.names[i]
        state: dict[str, Any] = {}
        if self.counts_steps:
            self.clocks[i] = float(before.get("step", 0))
            state["step"] = self.clocks[i]
        keys = self.handle.keys(i)
        for key in keys:
            part = view(self.handle, name, key, local(p), self.orders[i])
            state[key] = like(part, p)
            if before.get(key) is not None:
                _copy(before[key], state[key], f"{key} of {name}")
        begun = any(before.get(key) is not None for key in keys)
        clock = int(self.clocks[i]) if self.counts_steps else int(begun)
        if "ema" in keys and before.get("ema") is None and clock:
            state["ema"].copy_(p.detach())  # an average that begins now
        lib.ravine_set_step_count(self.pointer, i, clock)
        state.update((key, value) for key, value in before.items() if key not in state)
        if state:
            entry = State(self.changes)
            dict.update(entry, state)
            dict.__setitem__(self.states, p, entry)

    def update_settings(self, optimizer) -> None:
        """Passes on what has changed in the groups: all, or nothing of a group on an error.

        Raises:
            ravine.StateError: other state is needed.
            ravine.RangeError: one is wrong, or wrong until another one is passed on too.
        """
        for i, group in enumerate(optimizer.param_groups):
            values = optimizer.values_of(group)
            if _same(values, self.values[i]):
                continue
            numbers, known = optimizer.numbers_of(group), self.numbers[i]
            changes = zip(self.setting_names, numbers, known, strict=True)
            self._set(i, [change for change in changes if change[1] != change[2]])
            self.numbers[i] = numbers
            self.values[i] = values if all(map(_stays, values)) else ()

    def _set(self, group: int, changes: list[tuple[str, float, float]]) -> None:
        """Settings of a group: name, new value, old value."""
        done = []
        try:
            for name, new, old in changes:
                lib.ravine_set(self.pointer, group, setting_number(name), new)
                done.append((name, old))
        except Error:
            for name, old in reversed(done):
                lib.ravine_set(self.pointer, group, setting_number(name), old)
            raise

    def set_options(self, options: tuple) -> None:
        """What holds from the next step on: nonfinite, clip_norm, grad_scale, zero_grad."""
        if options != self.options:
            lib.ravine_set_options(self.pointer, options_of(*options))
            self.options = options

    def step(self, stats) -> int:
        """One step; its status.

        Raises:
            ravine.StateError: a parameter lies in another order than its state; a new session's
                state follows it.
        """
        if self.pending:
            self.adopt([p for p in self.pending if p.grad is not None], {})
        if self.clocks._version != self.clock_version:
            self._set_clocks()
        if not self.params:
            return _api.RAVINE_OK
        params, grads = self.params, tuple(map(_GRAD, self.params))
        written: list[Sequence[torch.Tensor]] = [self.params]
        if self.has_dtensors:
            params, grads = self._parts(grads)
            written.append(params)
        found, staging = self._find(params, grads)
        lib.ravine_bind(self.pointer, 0, len(grads), self.data.array, self.grad.array)
        stepped: list[int] | None = None  # all of them
        if found < len(grads):
            stepped = [i for i, grad in enumerate(grads) if grad is not None]
            written = [[tensors[i] for i in stepped] for tensors in written]
        may_skip = self.options[0] == "skip"
        if not may_skip:  # autograd is told of the writing while the tensors are in the cache
            _increment_versions(written)
        status = lib.ravine_step(self.pointer, stats)
        if status == _api.RAVINE_SKIPPED:
            return status
        if may_skip:
            _increment_versions(written)
        if staging:
            staging.put_back()
        for grad in self.gathered if self.options[3] else []:
            local(grad).zero_()
        if stepped is None:
            self.clock_numbers += 1
        else:
            self.clock_numbers[stepped] += 1
        return status

    def _parts(self, grads: tuple) -> tuple[tuple, tuple]:
        """This process's parts of the parameters and of their gradients."""
        spread = tuple(map(beside, grads, self.params))
        self.gathered = [g for g, s in zip(grads, spread, strict=True) if g is not s]
        return tuple(map(local, self.params)), tuple(map(local, spread))

    def _find(self, params: tuple, grads: tuple) -> tuple[int, "Staging | None"]:
        """Reads where all tensors are now: how many have a gradient, and what stands in for some.

        Nothing that an earlier step has found is believed: whoever has a tensor can give it other
        memory, another layout or another sign without a trace.
        """
        try:
            self.data.read(self._in_rows(params))
            found = self.grad.read(self._in_rows(grads))
            there = grads if found == len(grads) else [g for g in grads if g is not None]
            if not any(map(_IS_NEGATED, params)) and not any(map(_IS_NEGATED, there)):
                return found, None
        except (Error, RuntimeError):
            pass  # the staging says what is wrong, or that it is the layout alone
        staging = Staging(self, params, grads)
        self.data.read(staging.data)
        return self.grad.read(staging.grads), staging

    def _in_rows(self, tensors: Sequence) -> Sequence:
        """The tensors, turned so that those that lie as their state does are row-major."""
        if not self.turned:
            return tensors
        rows = list(tensors)
        for i, order in self.turned:
            rows[i] = None if rows[i] is None else in_order(rows[i], order)
        return rows

    def _set_clocks(self) -> None:
        """Into the library, the steps that someone has written into the tensors."""
        for i, clock in enumerate(self.clocks.tolist() if self.counts_steps else []):
            lib.ravine_set_step_count(self.pointer, i, int(clock))
        self.clock_version = self.clocks._version


def _increment_versions(written: list[Sequence[torch.Tensor]]) -> None:
    """Tells autograd that tensors were written to."""
    for tensors in written:
        torch.autograd.graph.increment_version(tensors)


def _same(objects: Sequence, known: Sequence) -> bool:
    """Whether both are of the same objects; == would compare the numbers of tensors."""
    return len(objects) == len(known) and all(map(is_, objects, known))


def _stays(value) -> bool:
    """Whether a setting is the same as long as it is the same object: no tensor, no list."""
    if isinstance(value, tuple):
        return all(map(_stays, value))
    return value is None or isinstance(value, (float, int, str))


def _copy(old, new: torch.Tensor, what: str) -> None:
    """Copies a state that came from elsewhere into the library's."""
    old = spread_as(torch.as_tensor(old), new)
    if is_dtensor(old) and not is_dtensor(new):
        raise ArgumentError(
            f"{what} is a DTensor, and its parameter is none; load full_tensor() of it"
        )
    if old.shape != new.shape:
        raise ArgumentError(f"{what} has shape {list(old.shape)}; it must be {list(new.shape)}")
    new.copy_(old)


class Staging:
    """Stands in for tensors that do not lie as their parameter's state does."""

    def __init__(self, session: Session, params, grads):
        """Says what is wrong with a tensor, or copies it if it is layout or sign alone."""
        self._zero_grad = session.options[3]
        self._whole = session.whole
        self._copied: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._unlike: list[torch.Tensor] = []
        known = (session.names, session.orders, session.shapes)
        rows = list(zip(params, grads, *known, strict=True))
        self.data = [self._data(p, *row) for p, _, *row in rows]
        self.grads = [self._grad(p, grad, name, order) for p, grad, name, order, _ in rows]

    def _data(self, p, name, order, shape) -> torch.Tensor:
        check_parameter(p, name)
        if p.shape != shape:
            raise StateError(f"{name} has shape {list(p.shape)}, its state {list(shape)}")
        data = in_order(p, order)
        if not data.is_contiguous() and not self._whole and storage_order(p) is not None:
            raise StateError(f"{name} lies in another order than its state")
        copy = as_it_shows(data)
        if copy.data_ptr() != data.data_ptr():
            self._copied.append((data, copy))
        return copy

    def _grad(self, p, grad, name, order) -> torch.Tensor | None:
        if grad is None:
            return None
        what = f"the gradient of {name}"
        check(grad, what)
        if grad.dtype != p.dtype or grad.shape != p.shape:
            raise ArgumentError(
                f"{what} is {grad.dtype} {list(grad.shape)}; it must be {p.dtype} {list(p.shape)}"
            )
        ordered = in_order(grad, order)
        copy = as_it_shows(ordered)
        if copy.data_ptr() != ordered.data_ptr():
            self._unlike.append(grad)
            if self._zero_grad and is_expanded(grad):
                raise UnsupportedError(
                    f"{what} is expanded: several of its elements are one number in memory, which "
                    "PyTorch does not write to; set it to None instead of zero_grad=True"
                )
        return copy

    def put_back(self) -> None:
        """After the step: parameters into their own places."""
        for tensor, copy in self._copied:
            tensor.copy_(copy)
        for grad in self._unlike if self._zero_grad else []:
            grad.detach().zero_()
