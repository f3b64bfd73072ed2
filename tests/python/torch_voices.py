# SPDX-License-Identifier: Apache-2.0
"""One process of several whose doctors are one, started by test_torch_voices.py.

python -m torch.distributed.run --nproc-per-node N torch_voices.py FOLDER
"""

import contextlib
import io
import json
import os
import sys
import warnings
from datetime import timedelta
from pathlib import Path

import ravine
import ravine.torch
import torch
import torch.distributed as dist
from ravine.torch import _voices
from torch.distributed.algorithms.join import Join
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

STEPS = 200
BATCH = 16


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 33), torch.nn.ReLU(), torch.nn.Linear(33, 3))


def batch(step, bad=None):
    """Of all processes; example 15, which the last one has, is not a number in step `bad`."""
    random = torch.Generator().manual_seed(step)
    truth = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    x = torch.randn(BATCH, 8, generator=random)
    y = (x @ truth).argmax(1)
    if step == bad:
        x[-1] = torch.nan
    return x, y


def mine(tensor):
    count = len(tensor) // dist.get_world_size()
    return tensor[count * dist.get_rank() : count * (dist.get_rank() + 1)]


def sharded():
    model = network()
    fully_shard(model)
    return model


def hybrid():
    """Every process has all of a model that is spread over one."""
    model = network()
    shape = (dist.get_world_size(), 1)
    mesh = init_device_mesh("cpu", shape, mesh_dim_names=("copies", "shards"))
    fully_shard(model, mesh=mesh)
    return model


def parallel():
    return DistributedDataParallel(network())


class Run:
    """A training of this process's part, or (model: network) of everything, beside a doctor."""

    def __init__(self, make=sharded, rule=torch.optim.AdamW, watched=True, **options):
        options = {"lr": 1e-2} | options
        self.model = make()
        self.optimizer = rule(self.model.parameters(), **options)
        self.alone = make is network
        self.said = []
        self.doctor = None
        if watched:
            self.watch()

    def watch(self):
        self.doctor = ravine.watch(
            self.optimizer, self.model, window=64, on_verdict=self.said.append
        )

    def step(self, step, tells=True, bad=None):
        x, y = batch(step, bad)
        if not self.alone:
            x, y = mine(x), mine(y)
        self.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.model(x), y)
        if self.doctor and tells:
            self.doctor.tell(loss)
            self.doctor.tell_data([1000 + dist.get_rank()])
        loss.backward()
        self.optimizer.step()

    def train(self, steps=STEPS, **options):
        for step in range(steps):
            self.step(step, **options)
        return self

    def found(self):
        d = self.doctor.diagnosis
        verdicts = [said.verdict for said in self.said]
        return {"verdict": d.verdict, "text": str(d), "evidence": d.evidence, "said": verdicts}

    def end(self):
        whole = [p.full_tensor() if isinstance(p, DTensor) else p for p in self.model.parameters()]
        return torch.cat([p.detach().flatten() for p in whole])


TROUBLES = {
    "healthy": ({}, {}),
    "too high": ({"rule": torch.optim.SGD, "lr": 40.0}, {}),
    "too low": ({"rule": torch.optim.SGD, "lr": 1e-5}, {}),
    "not finite": ({}, {"bad": 100}),
}


def told(make, spread=lambda rule: rule):
    """What is said of every trouble."""
    found = {}
    for name, (options, data) in TROUBLES.items():
        rule = spread(options.get("rule", torch.optim.AdamW))
        found[name] = Run(make, **options | {"rule": rule}).train(**data).found()
    return found


def healthy(make, rule):
    """What is said, and whether it ends as if nobody had watched."""
    run = Run(make, rule).train()
    plain = Run(make, rule, watched=False).train()
    return run.found()["verdict"], torch.equal(run.end(), plain.end())


def zero(rule):
    """Each process has the state of a part of the parameters."""

    def of(params, lr):
        return ZeroRedundancyOptimizer(params, rule, lr=lr)

    return of


def some_tell_nothing():
    return Run(sharded).train(tells=dist.get_rank() == 0).found()


def one_fails():
    """In one process the watch ends by itself in the middle: it ends in all, and they train on."""
    run = Run(sharded)
    run.train(10)
    if dist.get_rank() == 1:
        run.doctor._source.message = lambda: 1 / 0
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        run.train(10)
    plain = Run(sharded, watched=False).train(10).train(10)
    words = [str(w.message) for w in seen if "ravine.watch" in str(w.message)]
    hooks = hooks_of(run) - hooks_of(plain)
    return words, run.doctor._stopped, hooks, torch.equal(run.end(), plain.end())


def hooks_of(run):
    steps = run.optimizer._optimizer_step_pre_hooks, run.optimizer._optimizer_step_post_hooks
    return sum(map(len, steps)) + len(run.model._forward_pre_hooks)


def one_detaches():
    run = Run(sharded).train(10)
    without = hooks_of(Run(sharded, watched=False))
    if dist.get_rank() == 0:
        run.doctor.detach()
    run.train(3)
    again = run.doctor._stopped, hooks_of(run) - without
    run.watch()
    return *again, run.train(40).found()["verdict"], run.doctor._observed


def one_watches():
    """The others do not: it looks alone after a while, and says so."""
    wait, _voices.WAIT = _voices.WAIT, timedelta(seconds=1)
    run = Run(sharded, watched=False)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        if dist.get_rank() == 0:
            run.watch()
    _voices.WAIT = wait
    run.train(20)
    observed = run.doctor._observed if run.doctor else 0
    return [str(w.message) for w in seen], observed


def uneven():
    """Under Join one process makes fewer steps than the others."""
    run = Run(parallel)
    with warnings.catch_warnings(record=True), Join([run.model]):
        run.train(3 + dist.get_rank())
    return run.doctor._stopped


def without_model():
    """Nothing shows that the processes belong together: each looks alone, and the first prints."""
    model = parallel()
    optimizer = torch.optim.SGD(model.parameters(), lr=40.0)
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        doctor = ravine.watch(optimizer, window=64)
        for step in range(STEPS):
            x, y = map(mine, batch(step))
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            doctor.tell(loss)
            loss.backward()
            optimizer.step()
    return doctor.diagnosis.verdict, len(printed.getvalue())


def example():
    """That of the process whose loss is not finite."""
    run = Run(sharded).train(5)
    run.step(5, bad=5)
    run.doctor.diagnose()
    return run.doctor.facts["example"]


def probe():
    """Of parts it is refused: a copy of the model would be one of all processes."""
    run = Run(sharded).train(2)
    try:
        run.doctor.probe(lambda model, batch: model(batch).sum(), [torch.zeros(4, 8)])
    except ravine.UnsupportedError as error:
        return str(error)


def validation():
    """Told by some or by all: the mean counts, in all processes, from the next step on."""
    run = Run(sharded).train(20)
    run.doctor.tell_validation(1.0 + dist.get_rank())
    run.step(20)
    run.step(21)
    every = run.doctor.facts["validation"]
    if dist.get_rank() == 1:
        run.doctor.tell_validation(5.0)
    run.step(22)
    run.doctor.diagnose()
    return every, run.doctor.facts["validation"]


def main(folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    found = {
        "one": told(network),
        "sharded": told(sharded),
        "parallel": told(parallel),
        "hybrid": told(hybrid),
        "zero": told(parallel, zero),
        "healthy": [
            healthy(make, rule)
            for make in (sharded, parallel)
            for rule in (torch.optim.AdamW, ravine.torch.AdamW)
        ],
        "some tell nothing": some_tell_nothing(),
        "one fails": one_fails(),
        "one detaches": one_detaches(),
        "one watches": one_watches(),
        "uneven": uneven(),
        "without model": without_model(),
        "example": example(),
        "probe": probe(),
        "validation": validation(),
    }
    (folder / f"{world}-{rank}.json").write_text(json.dumps(found))
    dist.barrier()
    os._exit(0)  # gloo's threads do not always end with the interpreter


if __name__ == "__main__":
    main(Path(sys.argv[1]))
