# SPDX-License-Identifier: Apache-2.0
"""One process of several, started by test_torch_distributed.py: what it finds, as JSON.

python -m torch.distributed.run --nproc-per-node N torch_ranks.py FOLDER

FOLDER/N-RANK.json has what each process found; FOLDER/checkpoint is written by two processes, and
read by others.
"""

import copy
import json
import math
import os
import sys
from pathlib import Path

import ravine.torch
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, MixedPrecisionPolicy, fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

CLIP = 0.05
STEPS = 3


def network():
    """Of odd sizes: three rows on four processes leave one of them without any."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))


def backward(model, step, share=None):
    """Of this process's share of the batch; of the whole batch with (0, 1)."""
    rank, world = share or (dist.get_rank(), dist.get_world_size())
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
    count = len(x) // world
    model.zero_grad()
    model(x[count * rank : count * (rank + 1)]).square().mean().backward()


def train(model, optimizer, steps=range(STEPS), clip=True, share=None, **options):
    for step in steps:
        backward(model, step, share)
        if clip:
            clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step(**options)
    return numbers(model.parameters())


def numbers(tensors):
    whole = [t.full_tensor() if isinstance(t, DTensor) else t for t in tensors]
    return torch.cat([t.detach().double().flatten() for t in whole]).tolist()


def plainly_trained():
    """What all should come to: one process, PyTorch's clipping, PyTorch's optimizer."""
    model = network()
    return train(model, torch.optim.AdamW(model.parameters(), lr=0.01), share=(0, 1))


def refused(call, params=()):
    """The words of the error, if nothing has changed; None: there was none."""
    params = list(params)
    before = [p.detach().clone() for p in params]
    try:
        call()
    except ravine.UnsupportedError as error:
        assert all(map(torch.equal, params, before))
        return str(error)
    return None


# ---- every process has everything


def data_parallel():
    """Clipping in the step is right."""
    model = DistributedDataParallel(network())
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01, clip_norm=CLIP)
    return train(model, optimizer, clip=False)


def data_parallel_in_buckets():
    """Gradients are views of others, and are set to zero where they lie."""
    model = DistributedDataParallel(network(), gradient_as_bucket_view=True)
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01)
    return train(model, optimizer, clip=False, clip_norm=CLIP, zero_grad=True)


def data_parallel_checkpoint(folder):
    """Saved and loaded by torch.distributed.checkpoint: goes on as if nothing had happened."""
    model = DistributedDataParallel(network())
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01)
    train(model, optimizer)
    save(model, optimizer, folder)
    ended = train(model, optimizer, range(3, 5))
    other = DistributedDataParallel(network())
    loaded = ravine.torch.AdamW(other.parameters(), lr=0.5)
    load(other, loaded, folder)
    return ended, train(other, loaded, range(3, 5))


def save(model, optimizer, folder):
    weights, states = get_state_dict(model, optimizer)
    dcp.save({"model": weights, "optimizer": states}, checkpoint_id=folder)


def load(model, optimizer, folder):
    weights, states = get_state_dict(model, optimizer)
    found = {"model": weights, "optimizer": states}
    dcp.load(found, checkpoint_id=folder)
    set_state_dict(
        model, optimizer, model_state_dict=found["model"], optim_state_dict=found["optimizer"]
    )


# ---- a part of the parameters


def zero(buckets):
    """Every process steps some of the parameters."""
    model = DistributedDataParallel(network())
    options = {"optimizer_class": ravine.torch.AdamW, "parameters_as_bucket_view": buckets}
    clipped = ZeroRedundancyOptimizer(model.parameters(), **options, clip_norm=CLIP)
    skipping = ZeroRedundancyOptimizer(model.parameters(), **options, nonfinite="skip")
    optimizer = ZeroRedundancyOptimizer(model.parameters(), **options, lr=0.01)
    backward(model, 0)
    calls = [
        clipped.step,
        clipped.optim.step,
        copy.deepcopy(clipped.optim).step,
        lambda: optimizer.step(clip_norm=CLIP),
        lambda: optimizer.optim.step(clip_norm=CLIP),
    ]
    words = [refused(call, model.parameters()) for call in calls]
    skips = refused(skipping.step, model.parameters())
    unclipped = DistributedDataParallel(network())
    options = {"optimizer_class": ravine.torch.SGD, "clip_norm": CLIP}
    off = ZeroRedundancyOptimizer(unclipped.parameters(), **options)
    unrefused = refused(lambda: off.step(clip_norm=math.inf))
    return words, skips, unrefused, train(model, optimizer)


def zero_goes_on():
    """Its state is brought together in one process, and loaded by all."""
    model = DistributedDataParallel(network())
    options = {"optimizer_class": ravine.torch.AdamW, "lr": 0.01}
    optimizer = ZeroRedundancyOptimizer(model.parameters(), **options)
    train(model, optimizer)
    optimizer.consolidate_state_dict(to=0)
    saved = [copy.deepcopy(optimizer.state_dict()) if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(saved)
    other = copy.deepcopy(model)
    ended = train(model, optimizer, range(3, 5))
    loaded = ZeroRedundancyOptimizer(other.parameters(), **options)
    loaded.load_state_dict(saved[0])
    return ended, train(other, loaded, range(3, 5))


def flat_parts(use_orig_params):
    """Every process has a part of every few parameters, as a plain tensor."""
    cpu = torch.device("cpu")
    model = FullyShardedDataParallel(network(), device_id=cpu, use_orig_params=use_orig_params)
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01)
    backward(model, 0)
    calls = [
        lambda: optimizer.step(clip_norm=CLIP),
        ravine.torch.AdamW(model.parameters(), clip_norm=CLIP).step,
    ]
    words = [refused(call, model.parameters()) for call in calls]
    whole = refused(lambda: ravine.torch.Lamb(model.parameters()))
    for step in range(STEPS):
        backward(model, step)
        model.clip_grad_norm_(CLIP)
        optimizer.step()
    with FullyShardedDataParallel.summon_full_params(model):
        return words, whole, numbers(model.parameters())


# ---- DTensors


def sharded(**options):
    model = network()
    fully_shard(model, **options)
    return model


def fully_sharded():
    model = sharded()
    optimizer = ravine.torch.AdamW(model.named_parameters(), lr=0.01)
    backward(model, 0)
    calls = [
        lambda: optimizer.step(clip_norm=CLIP),
        ravine.torch.AdamW(model.parameters(), clip_norm=CLIP).step,
    ]
    words = [refused(call) for call in calls]
    skips = refused(ravine.torch.AdamW(model.parameters(), nonfinite="skip").step)
    whole = [
        refused(lambda rule=rule: getattr(ravine.torch, rule)(model.parameters()))
        for rule in ("Lamb", "Adafactor")
    ]
    return words, skips, whole, train(model, optimizer)


def hybrid():
    """Two copies of a model that is spread over half of the processes."""
    shape = (2, dist.get_world_size() // 2)
    mesh = init_device_mesh("cpu", shape, mesh_dim_names=("copies", "shards"))
    model = sharded(mesh=mesh)
    return train(model, ravine.torch.AdamW(model.parameters(), lr=0.01))


def mixed_precision():
    """Computed in bfloat16; parameters and their steps stay in float32, for ours and PyTorch's."""
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    ends = []
    for kind in (torch.optim.AdamW, ravine.torch.AdamW):
        model = sharded(mp_policy=policy)
        ends.append(train(model, kind(model.parameters(), lr=0.01)))
    return ends


def by_hand():
    """Spread in every way, beside a plain tensor; one gradient is still to be summed."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    random = torch.Generator().manual_seed(3)
    weights = [torch.randn(5, 6, generator=random) for _ in range(5)]
    grads = [[torch.randn(5, 6, generator=random) for _ in range(5)] for _ in range(STEPS)]
    ways = [[Shard(0)], [Shard(1)], [Replicate()], [Replicate()], None]

    def spread(tensor, way):
        tensor = tensor.clone()
        return tensor if way is None else distribute_tensor(tensor, mesh, way)

    def unsummed(tensor):
        return DTensor.from_local(tensor / dist.get_world_size(), mesh, [Partial()])

    ends = []
    for kind, options in ((torch.optim.AdamW, {}), (ravine.torch.AdamW, {"zero_grad": True})):
        params = [torch.nn.Parameter(spread(w, way)) for w, way in zip(weights, ways, strict=True)]
        optimizer = kind(params, lr=0.01)
        for step in range(STEPS):
            for k, (p, way) in enumerate(zip(params, ways, strict=True)):
                p.grad = unsummed(grads[step][k]) if k == 3 else spread(grads[step][k], way)
            optimizer.step(**options)
        states = [optimizer.state[p] for p in params]
        ends.append([numbers(params), *(numbers(s[key] for s in states) for key in MOMENTS)])
    left = sum(abs(number) for number in numbers(p.grad for p in params))
    replicated = ravine.torch.Lamb(params[2:], clip_norm=CLIP)  # every process has all of these
    replicated.step()
    summed = torch.nn.Parameter(unsummed(weights[0]))
    return *ends, left, refused(lambda: ravine.torch.AdamW([summed]))


MOMENTS = ("exp_avg", "exp_avg_sq")


def state_of_one_process():
    """The state of torch.optim.AdamW of whole tensors goes on in parts."""
    whole = network()
    before = torch.optim.AdamW(whole.parameters(), lr=0.01)
    train(whole, before, share=(0, 1))
    model = network()
    model.load_state_dict(whole.state_dict())
    fully_shard(model)
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.5)
    optimizer.load_state_dict(before.state_dict())
    plain = ravine.torch.AdamW(network().parameters())
    try:
        plain.load_state_dict(optimizer.state_dict())
    except ravine.ArgumentError as error:
        words = str(error)
    ended = train(whole, before, range(3, 5), share=(0, 1))
    return ended, train(model, optimizer, range(3, 5)), words


def checkpoint(folder):
    """Two processes write it; it goes on in as many as there are."""
    model = sharded()
    optimizer = ravine.torch.AdamW(model.parameters(), lr=0.01 if writes() else 0.5)
    if writes():
        train(model, optimizer)
        save(model, optimizer, folder)
    else:
        load(model, optimizer, folder)
    return train(model, optimizer, range(3, 5))


def writes():
    return dist.get_world_size() == 2


def main(folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    found = {
        "plain": plainly_trained(),
        "data parallel": data_parallel(),
        "in buckets": data_parallel_in_buckets(),
        "data parallel checkpoint": data_parallel_checkpoint(folder / f"data-parallel-{world}"),
        "zero": zero(False),
        "zero in buckets": zero(True),
        "zero goes on": zero_goes_on(),
        "original parts": flat_parts(True),
        "flat parts": flat_parts(False),
        "fully sharded": fully_sharded(),
        "hybrid": hybrid(),
        "mixed precision": mixed_precision(),
        "by hand": by_hand(),
        "state of one process": state_of_one_process(),
        "checkpoint": checkpoint(folder / "checkpoint"),
    }
    (folder / f"{world}-{rank}.json").write_text(json.dumps(found))
    dist.barrier()
    os._exit(0)  # gloo's threads do not always end with the interpreter


if __name__ == "__main__":
    main(Path(sys.argv[1]))
