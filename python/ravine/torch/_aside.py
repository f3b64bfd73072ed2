# SPDX-License-Identifier: Apache-2.0
"""What is computed beside a training: random numbers that are put back, and how far it is."""

import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch


def _accelerator() -> Any:
    """The module of the accelerator that this process has begun to use; None: it has not."""
    device = torch.accelerator.current_accelerator()
    module = None if device is None else torch.get_device_module(device)
    begun = getattr(module, "is_initialized", None)
    return None if begun is not None and not begun() else module


def _state_of(module: Any) -> tuple[Callable[[Any], None], Any]:
    """How the generators of an accelerator are set, and what they are."""
    every = "_all" if hasattr(module, "get_rng_state_all") else ""
    get, put = (getattr(module, f"{verb}_rng_state{every}") for verb in ("get", "set"))
    return put, get()


@contextlib.contextmanager
def untouched(generators: Iterable[torch.Generator] = ()) -> Iterator[None]:
    """Puts the random numbers of PyTorch, Python, NumPy and these generators back at its end."""
    kept: list[tuple[Callable[[Any], Any], Any]] = [
        (random.setstate, random.getstate()),
        (np.random.set_state, np.random.get_state()),
        (torch.set_rng_state, torch.get_rng_state()),
        *((generator.set_state, generator.get_state()) for generator in generators),
    ]
    module = _accelerator()
    if module is not None:
        kept.append(_state_of(module))
    try:
        yield
    finally:
        for put, state in kept:
            put(state)


def seed(number: int) -> None:
    """The same random numbers from here on, for each number others."""
    random.seed(number)
    np.random.seed(number)
    torch.default_generator.manual_seed(number)  # torch.manual_seed seeds CUDA before it is used
    module = _accelerator()
    if module is not None:
        getattr(module, "manual_seed_all", module.manual_seed)(number)


def generators_of(batches: Any) -> list[torch.Generator]:
    """Those that a DataLoader draws from, beside PyTorch's own."""
    sampler = getattr(batches, "batch_sampler", None)
    holders = (batches, getattr(batches, "sampler", None), sampler)
    found = [getattr(holder, "generator", None) for holder in holders]
    found.append(getattr(getattr(sampler, "sampler", None), "generator", None))
    return list({id(g): g for g in found if isinstance(g, torch.Generator)}.values())


class Progress:
    """How many gradients and losses were computed, of about how many."""

    SECONDS = 0.1  # between two lines on a terminal

    def __init__(self, what: str, tell: Callable[[int, int], Any] | None):
        """Of what, told to a function; None: a line on stderr, if that is a terminal."""
        self._what, self._tell = what, tell or self._draw
        self._draws = tell is None and sys.stderr.isatty()
        self.made = self.expected = 0  # expected 0: not known yet
        self._drawn_at = 0.0

    def step(self) -> None:
        """One more."""
        self.made += 1
        if self.expected:
            self._tell(self.made, max(self.made, self.expected))

    def _draw(self, made: int, expected: int) -> None:
        if self._draws and time.monotonic() - self._drawn_at > self.SECONDS:
            self._drawn_at = time.monotonic()
            text = f"\r{self._what}: {made} of about {expected} gradients\033[K"
            print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves no line behind."""
        if self._drawn_at:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
