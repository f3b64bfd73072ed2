# SPDX-License-Identifier: Apache-2.0
"""Steps per second of a transformer beside the same network in PyTorch, from `make bench-text`.

The network, batch, context and rule of examples/text_transformer.yaml. The rounds alternate, each
side in a process of its own, on the same threads; PyTorch is float32 with fused AdamW and fused
attention, compiled where its inductor works. Seconds are those of the steps alone: neither
reading the data, nor evaluating, nor compiling, which comes in the steps before the clock starts.
The ratio is the median of those of the rounds: who else uses the machine disturbs both sides.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "examples/text_transformer.yaml"
BATCH, CONTEXT, LAYERS, HEADS, WIDTH, BYTES = 16, 128, 4, 4, 128, 256
WARM = 10  # steps before the clock starts


def make_net(torch):
    """The network of app/network/models.c, normed first."""
    nn = torch.nn

    class Branch(nn.Module):
        def __init__(self, attends):
            super().__init__()
            self.attends = attends
            self.norm = nn.LayerNorm(WIDTH)
            self.wide = nn.Linear(WIDTH, 3 * WIDTH if attends else 4 * WIDTH)
            self.out = nn.Linear(WIDTH if attends else 4 * WIDTH, WIDTH)

        def forward(self, x):
            y = self.wide(self.norm(x))
            if not self.attends:
                return x + self.out(nn.functional.gelu(y))
            q, k, v = y.unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return x + self.out(y.transpose(1, 2).flatten(2))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(0.02 * torch.randn(BYTES, WIDTH))
            self.places = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
            self.branches = nn.Sequential(*[Branch(k % 2 == 0) for k in range(2 * LAYERS)])
            self.norm = nn.LayerNorm(WIDTH)

        def forward(self, x):
            return self.norm(self.branches(self.table[x] + self.places)) @ self.table.T

    return Transformer()


def train_torch(steps, compiles):
    """Trains in this process and prints the seconds of a step."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(1)
    net = make_net(torch)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=3e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True
    )
    text = torch.randint(0, BYTES, (1 << 20,))  # which bytes they are costs nothing

    def loss_of(x, y):
        return torch.nn.functional.cross_entropy(net(x).flatten(0, 1), y.flatten())

    loss_of = torch.compile(loss_of) if compiles else loss_of
    for step in range(WARM + steps):
        if step == WARM:
            begin = time.perf_counter()
        places = torch.randint(0, len(text) - CONTEXT - 1, (BATCH, 1)) + torch.arange(CONTEXT + 1)
        batch = text[places]
        loss = loss_of(batch[:, :-1], batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    print((time.perf_counter() - begin) / steps)


def from_torch(steps, compiles):
    """Seconds of a step; None where it cannot be compiled."""
    command = [
        sys.executable,
        __file__,
        "--torch",
        str(steps),
        *(["--compile"] if compiles else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=not compiles)
    return float(done.stdout) if done.returncode == 0 else None


def from_ravine(command, steps):
    """Seconds of a step, from the lines of its log."""
    with tempfile.TemporaryDirectory() as folder:
        sets = {"runs_dir": folder, "epochs": 1, "data.test_share": 0.00002, "log_every": 1}
        sets["data.examples"] = BATCH * (WARM + steps)
        words = [f"--set={key}={value}" for key, value in sets.items()]
        subprocess.run([command, "train", CONFIG, *words, "--quiet"], check=True, cwd=ROOT)
        log = (Path(folder) / "text_transformer/run.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in log]
    at = {line["step"]: line["seconds"] for line in lines if "type" not in line}
    return (at[WARM + steps] - at[WARM]) / steps


def main():
    """Prints a line for each round and the median ratios."""
    parser = argparse.ArgumentParser(prog="torch_text", description=__doc__)
    parser.add_argument("--ravine", default=str(ROOT / "build/ravine"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--torch", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--compile", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch:
        return train_torch(options.torch, options.compile)
    print(
        f"{'round':>5}{'ravine':>10}{'torch':>10}{'compiled':>10}   seconds of a step", flush=True
    )
    ratios = {"torch": [], "compiled": []}
    for k in range(options.rounds):
        ours = from_ravine(options.ravine, options.steps)
        rows = {name: from_torch(options.steps, name == "compiled") for name in ratios}
        for name, seconds in rows.items():
            if seconds:
                ratios[name].append(seconds / ours)
        told = "".join(f"{s:10.4f}" if s else f"{'-':>10}" for s in rows.values())
        print(f"{k + 1:5}{ours:10.4f}{told}", flush=True)
    for name, values in ratios.items():
        if values:
            print(f"{name} / ravine: {statistics.median(values):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
