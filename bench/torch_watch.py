"""What ravine.watch costs a training step: `make bench-watch`.

The same training with and without, interleaved in one process on one thread; a figure is the median
of processor time over the rounds, a ratio the median of the ratios of each round. Exit status 1:
a ratio is above its limit.
"""

import argparse
import statistics
import sys
import time

import ravine
import torch
from torch import nn
from torch.nn import functional as F

# Widths of an MLP, batch, steps of a round, and the greatest ratio that is wanted.
CASES = {
    "mlp": ((784, 256, 128, 10), 64, 60, 1.10),
    "10m": ((784, 2048, 2048, 2048, 10), 64, 6, 1.02),
}


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
    """Seconds of a step without and with, and the ratio."""
    ways = [make(widths, batch, watched) for watched in (False, True)]
    for steps in ways:
        steps(max(number, 70))  # beyond the steps in which targets and inputs are looked at
    times = []
    for _ in range(rounds):
        row = []
        for steps in ways:
            begin = time.process_time()
            steps(number)
            row.append((time.process_time() - begin) / number)
        times.append(row)
    plain, watched = (statistics.median(column) for column in zip(*times, strict=True))
    return plain, watched, statistics.median(b / a for a, b in times)


def main():
    """Prints a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--case", choices=CASES)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| training | step | watched | ratio | wanted |\n|---|---|---|---|---|")
    above = False
    for name, (widths, batch, number, wanted) in CASES.items():
        if given.case not in (None, name):
            continue
        plain, watched, ratio = measure(widths, batch, number, given.rounds)
        above |= ratio > wanted
        what = f"MLP {'-'.join(map(str, widths))}, batch {batch}, AdamW"
        print(
            f"| {what} | {plain * 1e3:.3g} ms | {watched * 1e3:.3g} ms | {ratio:.3f} | {wanted} |"
        )
    sys.exit(above)


if __name__ == "__main__":
    main()
