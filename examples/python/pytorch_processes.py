# SPDX-License-Identifier: Apache-2.0
"""A training in several processes that share the parameters, with Ravine's step and one doctor.

    torchrun --nproc-per-node 4 pytorch_processes.py

Every process has a part of each parameter, of its state and of the batch. The doctors of all add up
what they see, so that they say the same; the first one prints. Started without torchrun it is one
process, which has everything.
"""

import os

import ravine.torch
import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard

STEPS, BATCH = 200, 64

ALONE = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
os.environ |= ALONE | os.environ  # what torchrun says counts
dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
fully_shard(model)
optimizer = ravine.torch.AdamW(model.parameters(), lr=3e-3)
doctor = ravine.watch(optimizer, model)

for _ in range(STEPS):
    batch = torch.randint(0, len(x), (BATCH,))[rank::world]  # the same numbers everywhere
    loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
    doctor.tell(loss)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()

found = doctor.diagnosis  # the same in every process
if rank == 0:
    print(f"{world} processes, loss {loss.item():.3f}; the doctor at the end: {found.verdict}")
dist.destroy_process_group()
