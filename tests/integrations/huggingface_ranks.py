# SPDX-License-Identifier: Apache-2.0
"""One of several processes of a training that is ended: prints its steps and how often it spoke."""

import os
import sys

import torch
from ravine.integrations.huggingface import RavineCallback
from test_huggingface import Spoiled, trainer_of

callback = RavineCallback(stop_on="urgent")
trainer = trainer_of(sys.argv[1], callback, Spoiled, ddp_backend="gloo")
trainer.train()
spoken = len(callback.verdicts)
print(f"\nrank{os.environ['RANK']}:{trainer.state.global_step}:{spoken}\n", end="", flush=True)
torch.distributed.destroy_process_group()
os._exit(0)  # threads of PyTorch's that still run when Python ends have aborted it now and then
