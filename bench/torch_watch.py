# SPDX-License-Identifier: Apache-2.0
"""What ravine.watch costs a training step: `make bench-watch`.

The same training with and without, interleaved in one process, in short rounds, on one thread and
on two; a figure is the processor time of the thread that trains and watches, as a tenth of the
rounds are below, which other work on the machine changes little, a ratio that of both. Exit status
1: a ratio is above what is wanted.
"""

import argparse
import os
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting is no work of a thread

import ravine
import torch
from torch import nn
from torch.nn import functional as F

# Widths of an MLP, batch, steps of a round, rounds, and the greatest ratio that is wanted.
CASES = {
    "mlp": ((784, 256, 128, 10), 64, 8, 200, 1.10),
    "10m": ((784, 2048, 2048, 2048, 10), 64, 1, 60, 1.02),
}
WARM = 70  # steps: in the first ones targets and inputs are looked at


def make(widths, batch, watched):
    """A function that makes a number of steps."""
    torch.manual_seed(0)
    layers = []
    for n, m in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(n, m), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    # A rate at which nothing is learned by heart: numbers next to 0 would make other steps slow.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    doctor = ravine.watch(optimizer, model, on_verdict=lambda d: None) if watched else None
    x = torch.randn(16, batch, widths[0])
    y = torch.randint(0, widths[-1], (16, batch))

    def steps(number):
        for k in range(number):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[k % 16]), y[k % 16])
            if doctor:
                doctor.tell(loss)
            loss.backward()
            optimizer.step()

    return steps


def measure(widths, batch, number, rounds):
    """Seconds of a step without and with."""
    ways = [make(widths, batch, watched) for watched in (False, True)]
    times = [[], []]
    for steps in ways:
        steps(WARM)
    for k in range(2 * rounds):
        which = (k + k // 2) % 2  # each comes first as often as second
        begin = time.thread_time()
        ways[which](number)
        times[which].append((time.thread_time() - begin) / number)
    return [sorted(found)[rounds // 10] for found in times]


def main():
    """Prints a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES)
    only = parser.parse_args().case
    print("| training | threads | step | watched | ratio | wanted |\n|---|---|---|---|---|---|")
    above = False
    for name, (widths, batch, number, rounds, wanted) in CASES.items():
        for threads in (1, 2) if only in (None, name) else ():
            torch.set_num_threads(threads)
            plain, watched = measure(widths, batch, number, rounds)
            above |= watched / plain > wanted
            what = f"MLP {'-'.join(map(str, widths))}, batch {batch}, AdamW"
            times = f"{plain * 1e3:.3g} ms | {watched * 1e3:.3g} ms"
            print(
                f"| {what} | {threads} | {times} | {watched / plain:.3f} | {wanted} |", flush=True
            )
    sys.exit(above)


if __name__ == "__main__":
    main()
