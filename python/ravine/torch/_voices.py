# SPDX-License-Identifier: Apache-2.0
"""Doctors of several processes that train one model together: all say the same, and one speaks.

After every step each process sends what it has seen, as numbers that are added up over all of them,
and before the next step it has the sums. So nobody waits: whoever is at its next step has computed
gradients together with all others, who have made the last step by then. The numbers go through a
group of their own, on the cpu, so that nothing of the training waits for them or fails with them;
every wait has an end, after which the watch ends and the training goes on.
"""

import datetime
import hashlib
import itertools
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ravine import _api
from ravine._doctor import FACTS
from ravine.torch._dtensors import is_dtensor
from ravine.torch._parts import are_several

WAIT = datetime.timedelta(seconds=60)  # for others who should be there
LONG = datetime.timedelta(days=1)  # that numbers may be on their way while nobody waits


def ranks_of(params: list[Tensor], model: nn.Module | None) -> list[int] | None:
    """The processes that train these parameters together; None: this one alone.

    It shows in DTensors, or in a model of DistributedDataParallel.
    """
    if not are_several():
        return None
    meshes = [_ranks_in(p) for p in params if is_dtensor(p)]
    parallel = _parallel_in(model)
    if meshes:
        ranks = max(meshes, key=len)
        if not all(set(ranks).issuperset(mesh) for mesh in meshes):
            return None
    elif parallel is not None:
        ranks = distributed.get_process_group_ranks(parallel.process_group)
    else:
        return None
    return ranks if len(ranks) > 1 else None


def _parallel_in(model: nn.Module | None) -> DistributedDataParallel | None:
    modules = () if model is None else model.modules()
    return next((m for m in modules if isinstance(m, DistributedDataParallel)), None)


def _ranks_in(p: Any) -> list[int]:
    return p.device_mesh.mesh.flatten().tolist()


class Message:
    """What a process has seen of a step: numbers; what they are the sums of afterwards."""

    def __init__(self, ranks: int, me: int, params: int):
        """Of nothing, from the process that is number `me` of so many."""
        self._me = me
        sizes = {
            "leaving": 1,  # processes that look no more
            "taken": 1,  # processes that have looked at the step
            "way2": 1,  # squares of the samples' updates
            "direct2": 1,  # and of their way since an earlier step
            "told": ranks,  # 1 from each that was told a loss: the loss
            "loss": ranks,
            "shown": ranks,  # 1 from each that was told an example: the example
            "example": ranks,
            "known": len(FACTS),  # processes that know a fact: the sum of what they say
            "fact": len(FACTS),
            "reached": params,  # processes in which a parameter had a gradient so far
            "sums": params * _api.RAVINE_SAMPLES_SUMS,
        }
        self.numbers = np.zeros(sum(sizes.values()))
        ends = np.cumsum([*sizes.values()])
        self._views = dict(zip(sizes, np.split(self.numbers, ends[:-1]), strict=True))

    def __getattr__(self, name: str) -> np.ndarray:
        """A view of some of the numbers."""
        try:
            return self.__dict__["_views"][name]
        except KeyError:
            raise AttributeError(name) from None

    def tell_loss(self, loss: float) -> None:
        """From this process."""
        self.told[self._me] = 1
        self.loss[self._me] = loss

    def tell_fact(self, name: str, value: float) -> None:
        """From this process."""
        if name == "example":
            self.shown[self._me] = 1
            self.example[self._me] = value
        else:
            self.known[FACTS[name]] = 1
            self.fact[FACTS[name]] = value

    def losses(self) -> list[float]:
        """Of all processes that were told one."""
        return self.loss[self.told > 0].tolist()

    def facts(self) -> dict[str, float]:
        """What the processes know: where they differ, the mean.

        Of examples that of the first process whose loss is not finite, if one is not.
        """
        told = [(name, k) for name, k in FACTS.items() if self.known[k]]
        facts = {name: float(self.fact[k] / self.known[k]) for name, k in told}
        shown = np.flatnonzero(self.shown).tolist()
        if shown:
            first = next((k for k in shown if not np.isfinite(self.loss[k])), shown[0])
            facts["example"] = float(self.example[first])
        return facts


def _meet(store: Any, count: int) -> Any:
    """A store for as many processes as have come here within a while.

    Either all of them have one, or none: whoever is the first to know that all are here, or that
    one is not, says so for all, and whoever comes later waits for others to come again.
    """
    place = next(k for k in itertools.count() if not store.check([f"{k}/together"]))
    here = distributed.PrefixStore(str(place), store)
    complete = here.add("here", 1) == count
    end = time.monotonic() + WAIT.total_seconds()
    while not complete and not here.check(["together"]) and time.monotonic() < end:
        time.sleep(0.01)
    if not here.check(["together"]) and here.add("decided", 1) == 1:
        here.set("together", "yes" if complete else "no")
    if here.get("together") != b"yes":
        raise RuntimeError(f"{here.add('here', 0)} of {count} did so within {WAIT.seconds} seconds")
    return here


class Voices:
    """The processes whose doctors are one."""

    def __init__(self, ranks: list[int], params: list[Tensor], model: nn.Module | None):
        """Every one of these processes must do this, with the same parameters.

        Raises:
            RuntimeError: another process did not.
        """
        self.ranks = ranks
        self.me = ranks.index(distributed.get_rank())
        self._parallel = _parallel_in(model)
        what = repr([ranks, [(tuple(p.shape), str(p.dtype)) for p in params]])
        name = hashlib.sha1(what.encode(), usedforsecurity=False).hexdigest()
        store = distributed.distributed_c10d._get_default_store()
        met = _meet(distributed.PrefixStore(f"ravine.watch/{name}", store), len(ranks))
        # None of torch.distributed.new_group: its names go by how many groups every process has.
        self._group = distributed.ProcessGroupGloo(met, self.me, len(ranks), WAIT)
        self._options = distributed.AllreduceOptions()
        self._options.timeout = LONG
        self._sent: tuple[Any, Message] | None = None

    def has(self, p: Tensor) -> bool:
        """Whether this process is the one that looks at what it has of a parameter."""
        if not is_dtensor(p):
            return self.me == 0
        place = p.device_mesh.get_coordinate()
        if place is None or self.ranks[0] not in _ranks_in(p):
            return False
        copies = zip(place, p.placements, strict=True)
        return all(at == 0 for at, placement in copies if placement.is_replicate())

    def may_be_missed(self) -> bool:
        """Whether processes that have no more data make no steps while others do: under Join."""
        return self._parallel is not None and self._parallel._join_config.enable

    def send(self, message: Message) -> None:
        """Without waiting for anybody."""
        numbers = torch.from_numpy(message.numbers)
        self._sent = (self._group.allreduce([numbers], self._options), message)

    def hear(self) -> Message | None:
        """The last message, now with the sums over all; None: there is none that was not heard.

        Raises:
            RuntimeError: another process did not send one.
        """
        if self._sent is None:
            return None
        (work, message), self._sent = self._sent, None
        work.wait(WAIT)
        return message
