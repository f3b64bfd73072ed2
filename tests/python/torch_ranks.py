# SPDX-License-Identifier: Apache-2.0
"""One process of two, started by test_torch_distributed.py: what it finds, as JSON.

python torch_ranks.py RANK STORE
"""

import json
import math
import os
import sys

import ravine.torch
import torch
import torch.distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.distributed.tensor import Shard, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

CLIP = 0.05


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))


def backward(model, rank, step):
    """Of this process's part of the batch; of the whole batch with rank None."""
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
    part = x if rank is None else x[4 * rank : 4 * rank + 4]
    model.zero_grad()
    model(part).square().mean().backward()


def numbers(model):
    return [p.tolist() for p in model.parameters()]


def plainly_trained():
    """What all should come to: one process, PyTorch's clipping, PyTorch's optimizer."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for step in range(3):
        backward(model, None, step)
        clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
    return numbers(model)


def refused(optimizer, params, **options):
    """The words of the error, if nothing has changed."""
    params = list(params)
    before = [p.detach().clone() for p in params]
    try:
        optimizer.step(**options)
    except ravine.UnsupportedError as error:
        assert all(map(torch.equal, params, before))
        return str(error)
    return None


def data_parallel(rank):
    """Every process has everything: clipping in the step is right."""
    model = DistributedDataParallel(network())
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01, clip_norm=CLIP)
    for step in range(3):
        backward(model, rank, step)
        optimizer.step()
    return numbers(model)


def zero(rank):
    """Every process steps a part of the parameters."""
    model = DistributedDataParallel(network())
    options = {"optimizer_class": ravine.torch.AdamW, "lr": 0.01}
    clipped = ZeroRedundancyOptimizer(model.parameters(), **options, clip_norm=CLIP)
    optimizer = ZeroRedundancyOptimizer(model.parameters(), **options)
    backward(model, rank, 0)
    words = [
        refused(clipped, model.parameters()),
        refused(optimizer, model.parameters(), clip_norm=CLIP),
    ]
    unclipped = DistributedDataParallel(network())
    options = {"optimizer_class": ravine.torch.SGD, "clip_norm": CLIP}
    off = ZeroRedundancyOptimizer(unclipped.parameters(), **options)
    words.append(refused(off, unclipped.parameters(), clip_norm=math.inf))
    for step in range(3):
        backward(model, rank, step)
        clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
    return words, numbers(model)


def fully_sharded(rank, use_orig_params):
    """Every process has a part of every few parameters, as a plain tensor."""
    cpu = torch.device("cpu")
    model = FullyShardedDataParallel(network(), device_id=cpu, use_orig_params=use_orig_params)
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01)
    backward(model, rank, 0)
    words = [
        refused(optimizer, model.parameters(), clip_norm=CLIP),
        refused(
            ravine.torch.AdamW(model.parameters(), clip_norm=CLIP),
            model.parameters(),
        ),
    ]
    for step in range(3):
        backward(model, rank, step)
        model.clip_grad_norm_(CLIP)
        optimizer.step()
    with FullyShardedDataParallel.summon_full_params(model):
        whole = torch.cat([p.detach().flatten() for p in model.parameters()])
    return words, whole.tolist()


def dtensors():
    """Parameters whose numbers lie in other tensors."""
    mesh = init_device_mesh("cpu", (2,))
    sharded = torch.nn.Parameter(distribute_tensor(torch.ones(4, 2), mesh, [Shard(0)]))
    model = network()
    fully_shard(model)
    words = []
    for params in ([sharded], model.named_parameters()):
        try:
            ravine.torch.AdamW(params, clip_norm=CLIP)
        except ravine.UnsupportedError as error:
            words.append(str(error))
    return words


def main(rank, store):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{store}", rank=rank, world_size=2)
    found = {
        "plain": plainly_trained(),
        "data parallel": data_parallel(rank),
        "zero": zero(rank),
        "sharded": fully_sharded(rank, True),
        "flat": fully_sharded(rank, False),
        "dtensors": dtensors(),
    }
    print(json.dumps(found), flush=True)
    torch.distributed.barrier()
    os._exit(0)  # gloo's threads do not always end with the interpreter


main(int(sys.argv[1]), sys.argv[2])
