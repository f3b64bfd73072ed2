# SPDX-License-Identifier: Apache-2.0
"""Whole trainings: `ravine train` beside the same network in PyTorch, from `make bench-torch`.

The same data, batch, rule, schedule and number of epochs, alternating, each in a process of its
own. PyTorch's script is the fast one that a careful person writes: all images in memory as one
tensor, fused AdamW, threads as many as processors, no data loader. Both hold out a tenth of the
training images and evaluate them after each epoch, which counts. The time to an accuracy is that
of the first epoch whose validation accuracy is at least the target: the lower of the two sides'
median final accuracies, less 0.2 percent points. `besides` are the seconds outside the epochs:
reading the data, and of ours starting, testing and writing the report. Images of a folder are read
for PyTorch once, before all runs, and the seconds of both sides are of the epochs alone; those that
ours shows on its page must be among those that PyTorch is given.
"""

import argparse
import base64
import gzip
import io
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import clipart
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian: dataset-fashion-mnist
CLIPART = Path("/usr/share/openclipart/png")  # Debian: openclipart-png
CLASSES = (
    "animals computer food geography people recreation shapes signs_and_symbols tools"
    " transportation"
).split()
RUNS = {  # the examples' settings
    "mlp": {"batch": 256, "epochs": 6, "decay": 0.01, "config": "examples/fashion_mlp.yaml"},
    "cnn": {"batch": 128, "epochs": 6, "decay": 0.01, "config": "examples/fashion_cnn.yaml"},
    "resnet": {"batch": 64, "epochs": 12, "decay": 0.05, "config": "examples/clipart_resnet.yaml"},
}
PEAK, WARMUP, KERNEL, WIDTHS = 3e-3, 0.05, 3, (16, 32, 64)
SIDE, SHIFT, TEST_SHARE = 32, 3, 0.2  # of the images of the resnet
PIXELS, LABELS = "pixels.npy", "labels.npy"


# ---- PyTorch's side ----


def read_idx(name, offset):
    """The bytes of an IDX file after its header."""
    with gzip.open(FASHION / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def read_images(folder):
    """Pixels [count, channels, height, width] and labels: of `folder` if they lie there."""
    if (folder / PIXELS).exists():
        return np.load(folder / PIXELS), np.load(folder / LABELS)
    x = read_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    return x, read_idx("train-labels-idx1-ubyte.gz", 8).astype(np.int64)


def split(torch, count, model_name):
    """Which to train on and which to hold out, as data.test_share and validation_share do."""
    tested = round(TEST_SHARE * count) if model_name == "resnet" else 0
    held = round((count - tested) / 10)
    order = torch.randperm(count)[tested:]
    return order[held:], order[:held]


def make_net(torch, model_name):
    """The network of app/network/models.c."""
    nn = torch.nn
    if model_name == "mlp":
        layers = [nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(128, 10))
    if model_name == "cnn":
        layers = [nn.Conv2d(1, 16, KERNEL, padding=KERNEL // 2), nn.MaxPool2d(2), nn.ReLU()]
        layers += [nn.Conv2d(16, 32, KERNEL, padding=KERNEL // 2), nn.MaxPool2d(2), nn.ReLU()]
        layers += [nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10)]
        return nn.Sequential(*layers)

    def normed(channels, to, kernel, stride=1):
        convolution = nn.Conv2d(channels, to, kernel, stride, kernel // 2, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(to))

    class Block(nn.Module):
        """Two convolutions around which the input is carried."""

        def __init__(self, channels, to, stride):
            super().__init__()
            self.one, self.two = normed(channels, to, KERNEL, stride), normed(to, to, KERNEL)
            same = channels == to and stride == 1
            self.shortcut = nn.Identity() if same else normed(channels, to, 1, stride)

        def forward(self, x):
            """The sum of both ways."""
            return torch.relu(self.two(torch.relu(self.one(x))) + self.shortcut(x))

    blocks = [Block(WIDTHS[max(k - 1, 0)], to, 2 if k > 0 else 1) for k, to in enumerate(WIDTHS)]
    stem = [normed(3, WIDTHS[0], KERNEL), nn.ReLU()]
    ends = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], len(CLASSES))]
    return nn.Sequential(*stem, *blocks, *ends)


def moved(torch, x):
    """Half of them as in a mirror, each moved by up to SHIFT pixels, its edge going on."""
    count, side = len(x), torch.arange(SIDE)
    by = torch.randint(-SHIFT, SHIFT + 1, (2, count, 1))
    mirror = torch.rand(count, 1) < 0.5
    across = (torch.where(mirror, SIDE - 1 - side, side) + by[0]).clamp(0, SIDE - 1)
    down = (side + by[1]).clamp(0, SIDE - 1)
    example, channel = torch.arange(count)[:, None, None, None], torch.arange(3)[:, None, None]
    return x[example, channel, down[:, None, :, None], across[:, None, None, :]]


def make_optimizer(torch, net, decay):
    """No decay for biases, scales and shifts."""
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=PEAK, fused=True)


def factor_of(total):
    """The schedule of the examples, as a factor of step t."""
    warmup = round(WARMUP * total)

    def factor(t):
        if t < warmup:
            return (t + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (t - warmup) / (total - warmup)))

    return factor


def accuracy(torch, net, x, y):
    """In evaluation mode."""
    net.eval()
    with torch.no_grad():
        predicted = torch.cat([net(part).argmax(1) for part in x.split(1000)])
    net.train()
    return int((predicted == y).sum()) / len(y)


def train_torch(model_name, seed, folder):
    """Trains in this process and prints [[seconds, accuracy], ...] by epoch, from 0 on."""
    import torch

    torch.manual_seed(seed)
    run = RUNS[model_name]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    begin = time.perf_counter()
    pixels, labels = (torch.from_numpy(a) for a in read_images(folder))
    rest, held = split(torch, len(pixels), model_name)
    x, y, z, w = pixels[rest] / 255, labels[rest], pixels[held] / 255, labels[held]
    mean, deviation = x.mean(), x.std()
    x, z = (x - mean) / deviation, (z - mean) / deviation
    net = make_net(torch, model_name)
    optimizer = make_optimizer(torch, net, run["decay"])
    batches = math.ceil(len(x) / run["batch"])
    factor = factor_of(run["epochs"] * batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    epochs = [[time.perf_counter() - begin, 0.0]]
    for _ in range(run["epochs"]):
        order = torch.randperm(len(x))
        for batch in order.split(run["batch"]):
            optimizer.zero_grad()
            seen = moved(torch, x[batch]) if model_name == "resnet" else x[batch]
            torch.nn.functional.cross_entropy(net(seen), y[batch]).backward()
            optimizer.step()
            schedule.step()
        epochs.append([time.perf_counter() - begin, accuracy(torch, net, z, w)])
    print(json.dumps(epochs))


# ---- both ----


def from_torch(model_name, seed, folder):
    """The epochs of a training by PyTorch, from 0; seconds without Python's start and imports."""
    command = [sys.executable, __file__, "--torch", model_name, "--seed", str(seed)]
    command += ["--pictures", folder]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def from_ravine(command, model_name, seed, folder):
    """The same of `ravine train`; seconds from the start of the process to its last line."""
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
    run = Path(json.loads(result.stdout)["run"])
    if (folder / PIXELS).exists():
        check_pictures(run, np.load(folder / PIXELS).astype(np.int16))
    log = (run / "run.jsonl").read_text()
    lines = [
        json.loads(line) for line in log.splitlines() if '"type":"epoch"' in line.replace(" ", "")
    ]
    epochs = [e for e in lines if e["epoch"] > 0]
    at = outside - sum(e["seconds"] for e in epochs)
    rows = [[at, 0.0]]  # start and end of the process count as well, before the first epoch
    for e in epochs:
        at += e["seconds"]
        rows.append([at, e["validation"]["accuracy"]])
    return rows


def read_pictures(folder):
    """Those of the resnet, into files of `folder`."""
    pixels, labels = clipart.read_folder(CLIPART, CLASSES, SIDE)
    np.save(folder / PIXELS, pixels)
    np.save(folder / LABELS, labels)


def check_pictures(run, theirs):
    """Those that the run's page shows, of its test, are among `theirs`, to 1 of 255."""
    ours = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(w["picture"].partition(",")[2]))))
        for w in json.loads((run / "worst.json").read_text())["examples"]
    ]
    for image in ours:
        away = np.abs(theirs - image.transpose(2, 0, 1)).max(axis=(1, 2, 3)).min()
        if away > 1:
            sys.exit(f"torch_train: an image of {run} is not among PyTorch's: {away} of 255 away")


def epochs_alone(rows):
    """The same without what came before the first epoch."""
    return [[seconds - rows[0][0], accuracy] for seconds, accuracy in rows]


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
    parser.add_argument("--pictures", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch:
        return train_torch(options.torch, options.seed, options.pictures)
    print(
        f"{'model':6}{'side':>9}{'seconds, all epochs':>21}{'accuracy':>10}"
        f"{'seconds to target':>19}{'target':>8}{'besides':>9}"
    )
    slower = False
    for model in options.models.split(","):
        rows = {"torch": [], "ravine": []}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if model == "resnet":
                read_pictures(folder)
            for seed in range(1, options.seeds + 1):
                rows["torch"].append(from_torch(model, seed, folder))
                rows["ravine"].append(from_ravine(options.ravine, model, seed, folder))
        besides = {side: statistics.median(r[0][0] for r in runs) for side, runs in rows.items()}
        if model == "resnet":
            rows = {side: [epochs_alone(r) for r in runs] for side, runs in rows.items()}
        final = {side: statistics.median(r[-1][1] for r in runs) for side, runs in rows.items()}
        target = min(final.values()) - 0.002
        reached = {}
        for side, runs in rows.items():
            whole = statistics.median(r[-1][0] for r in runs)
            times = [seconds_to(r, target) for r in runs]
            reached[side] = statistics.median(math.inf if t is None else t for t in times)
            print(
                f"{model:6}{side:>9}{whole:21.2f}{final[side]:10.4f}{reached[side]:19.2f}{target:8.4f}"
                f"{besides[side]:9.2f}",
                flush=True,
            )
        print(f"{model:6}   ratio{reached['torch'] / reached['ravine']:44.2f}")
        slower |= reached["torch"] <= reached["ravine"]
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
