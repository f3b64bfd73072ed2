# SPDX-License-Identifier: Apache-2.0
"""Whole trainings: `ravine train` beside the same network in PyTorch, from `make bench-torch`.

The same data, batch, rule, schedule and number of epochs, alternating, each in a process of its
own. PyTorch's script is the fast one that a careful person writes: all images in memory as one
tensor, fused AdamW, threads as many as processors, no data loader. Both hold out a tenth of the
training images and evaluate them after each epoch, which counts. The time to an accuracy is that
of the first epoch whose validation accuracy is at least the target: the lower of the two sides'
median final accuracies, less 0.2 percent points.
"""

import argparse
import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = Path("/usr/share/datasets/fashion-mnist")  # Debian: dataset-fashion-mnist
RUNS = {  # the examples' settings
    "mlp": {"batch": 256, "epochs": 6, "config": "examples/fashion_mlp.yaml"},
    "cnn": {"batch": 128, "epochs": 6, "config": "examples/fashion_cnn.yaml"},
}
PEAK, WARMUP, DECAY, KERNEL = 3e-3, 0.05, 0.01, 3


def read_idx(name, offset):
    """The bytes of an IDX file after its header."""
    with gzip.open(DATA / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def train_torch(model_name, seed):
    """Trains in this process and prints [[seconds, accuracy], ...] by epoch."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    run = RUNS[model_name]
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    x = torch.from_numpy(read_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)) / 255
    y = torch.from_numpy(read_idx("train-labels-idx1-ubyte.gz", 8).astype(np.int64))
    held, rest = torch.randperm(len(x)).split([len(x) // 10, len(x) - len(x) // 10])
    x, y, z, w = x[rest], y[rest], x[held], y[held]  # as data.validation_share does
    mean, deviation = x.mean(), x.std()
    x, z = (x - mean) / deviation, (z - mean) / deviation
    if model_name == "mlp":
        layers = [nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()]
        net = nn.Sequential(*layers, nn.Linear(128, 10))
    else:
        layers = [nn.Conv2d(1, 16, KERNEL, padding=KERNEL // 2), nn.MaxPool2d(2), nn.ReLU()]
        layers += [nn.Conv2d(16, 32, KERNEL, padding=KERNEL // 2), nn.MaxPool2d(2), nn.ReLU()]
        layers += [nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10)]
        net = nn.Sequential(*layers)
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=PEAK, fused=True)
    batches = math.ceil(len(x) / run["batch"])
    total = run["epochs"] * batches
    warmup = round(WARMUP * total)

    def factor(t):
        if t < warmup:
            return (t + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (t - warmup) / (total - warmup)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    epochs = []
    for _ in range(run["epochs"]):
        order = torch.randperm(len(x))
        for batch in order.split(run["batch"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            predicted = torch.cat([net(part).argmax(1) for part in z.split(1000)])
            right = int((predicted == w).sum())
        epochs.append([time.perf_counter() - begin, right / len(z)])
    print(json.dumps(epochs))


def from_torch(model_name, seed):
    """The epochs of a training by PyTorch; seconds without the start of Python and its imports."""
    command = [sys.executable, __file__, "--torch", model_name, "--seed", str(seed)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def from_ravine(command, model_name, seed, folder):
    """The epochs of `ravine train`; seconds from the start of the process to its last line."""
    settings = ["--set", f"seed={seed}", "--set", f"runs_dir={folder}", "--json", "--quiet"]
    begin = time.perf_counter()
    result = subprocess.run(
        [command, "train", ROOT / RUNS[model_name]["config"], *settings],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    outside = time.perf_counter() - begin
    log = Path(json.loads(result.stdout)["run"], "run.jsonl").read_text()
    lines = [
        json.loads(line) for line in log.splitlines() if '"type":"epoch"' in line.replace(" ", "")
    ]
    epochs = [e for e in lines if e["epoch"] > 0]
    inside, at = sum(e["seconds"] for e in epochs), 0.0
    rows = []
    for e in epochs:  # start and end of the process count as well, before the first epoch
        at += e["seconds"]
        rows.append([outside - inside + at, e["validation"]["accuracy"]])
    return rows


def seconds_to(rows, target):
    """Seconds until the accuracy was reached; None: never."""
    return next((seconds for seconds, accuracy in rows if accuracy >= target), None)


def main():
    """Prints a table; exit code 1 if ravine is not faster."""
    parser = argparse.ArgumentParser(prog="torch_train", description=__doc__)
    parser.add_argument("--ravine", default=str(ROOT / "build/ravine"))
    parser.add_argument("--models", default="mlp,cnn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--torch", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch:
        return train_torch(options.torch, options.seed)
    print(
        f"{'model':6}{'side':>9}{'seconds, all epochs':>21}{'accuracy':>10}"
        f"{'seconds to target':>19}{'target':>8}"
    )
    slower = False
    for model in options.models.split(","):
        rows = {"torch": [], "ravine": []}
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(1, options.seeds + 1):
                rows["torch"].append(from_torch(model, seed))
                rows["ravine"].append(from_ravine(options.ravine, model, seed, folder))
        final = {side: statistics.median(r[-1][1] for r in runs) for side, runs in rows.items()}
        target = min(final.values()) - 0.002
        reached = {}
        for side, runs in rows.items():
            whole = statistics.median(r[-1][0] for r in runs)
            times = [seconds_to(r, target) for r in runs]
            reached[side] = statistics.median(math.inf if t is None else t for t in times)
            print(
                f"{model:6}{side:>9}{whole:21.2f}{final[side]:10.4f}{reached[side]:19.2f}{target:8.4f}",
                flush=True,
            )
        print(f"{model:6}   ratio{reached['torch'] / reached['ravine']:44.2f}")
        slower |= reached["torch"] <= reached["ravine"]
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
