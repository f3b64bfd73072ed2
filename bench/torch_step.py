# SPDX-License-Identifier: Apache-2.0
"""One optimizer step beside PyTorch's own ways to make it: `make bench-torch`.

The same parameters and gradients for all, each with its own state, interleaved in one process; a
figure is the median over the rounds, a ratio the median of the ratios of each round, and of both
the median over several processes. Ratios above 1: ours is faster than the fastest of PyTorch's
ways.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time

import ravine
import ravine.torch
import torch
from torch.nn.utils import clip_grad_norm_

WAYS = {
    "for-loop": {"foreach": False, "fused": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
DECAY = 0.999  # of the average of the weights
EQUAL = 0.97  # ratios from here on count as equal


def gpt2():
    """Shapes of GPT-2's 124 million parameters (Radford et al. 2019; 12 blocks of width 768)."""
    width = 768
    block = [(width,), (width,), (width, 3 * width), (3 * width,), (width, width), (width,)]
    block += [(width,), (width,), (width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    return [(50257, width), (1024, width), *block * 12, (width,), (width,)]


def resnet50():
    """Shapes of ResNet-50's 25.6 million parameters (He et al. 2015)."""
    shapes, before = [(64, 3, 7, 7), (64,), (64,)], 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for k in range(blocks):
            for out, into, side in ((width, before, 1), (width, width, 3), (4 * width, width, 1)):
                shapes += [(out, into, side, side), (out,), (out,)]
            if k == 0:
                shapes += [(4 * width, before, 1, 1), (4 * width,), (4 * width,)]
            before = 4 * width
    return [*shapes, (1000, 2048), (1000,)]


SHAPES = {
    "1e4": lambda: [(10**4,)],
    "1e5": lambda: [(10**5,)],
    "1e6": lambda: [(10**6,)],
    "1e7": lambda: [(10**7,)],
    "1e8": lambda: [(10**8,)],
    "1000x1000": lambda: [(1000,)] * 1000,
    "resnet50": resnet50,
    "gpt2": gpt2,
}


def tensors_of(shapes):
    """Parameters with small gradients."""
    torch.manual_seed(0)
    tensors = [torch.randn(shape).requires_grad_() for shape in shapes]
    for t in tensors:
        t.grad = torch.randn(t.shape) * 1e-3
    return tensors


def plain_steps(rule, tensors):
    """The plain step of every way that PyTorch has for the rule, and ours."""
    steps = {}
    for way, options in WAYS.items():
        try:
            steps[way] = getattr(torch.optim, rule)(tensors, lr=1e-5, **options).step
        except (TypeError, RuntimeError):  # some rules have no fused form
            if "fused" in options and "foreach" in options:
                steps[way] = getattr(torch.optim, rule)(tensors, lr=1e-5, foreach=False).step
    steps["ravine"] = getattr(ravine.torch, rule)(tensors, lr=1e-5).step
    return steps


def whole_steps(rule, tensors):
    """Clip, step, zero and average: PyTorch's fastest calls around each way, and ours in one."""
    gradients = [t.grad for t in tensors]
    data = [t.detach() for t in tensors]
    average = [d.clone() for d in data]

    def around(step):
        def whole():
            clip_grad_norm_(tensors, 1e-3, foreach=True)
            step()
            torch._foreach_zero_(gradients)
            torch._foreach_lerp_(average, data, 1 - DECAY)

        return whole

    steps = plain_steps(rule, tensors)
    ours = steps.pop("ravine")
    steps = {way: around(step) for way, step in steps.items()}
    steps["ravine"] = lambda: ours(clip_norm=1e-3, zero_grad=True, ema=DECAY)
    return steps


def measure(steps, refill, elements):
    """Median seconds of each step, and of the ratio of the fastest of PyTorch's to ours."""
    once = {}
    for name, step in steps.items():  # the first makes the state
        step()
        refill()
        begin = time.perf_counter()
        step()
        once[name] = time.perf_counter() - begin
        refill()
    inner = {name: max(1, int(2e-3 / seconds)) for name, seconds in once.items()}
    rounds = 7 if elements > 5e7 else 15 if elements > 5e6 else 51
    times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            begin = time.perf_counter()
            for _ in range(inner[name]):
                step()
            times[name].append((time.perf_counter() - begin) / inner[name])
            refill()
    theirs = [name for name in steps if name != "ravine"]
    medians = {name: statistics.median(values) for name, values in times.items()}
    fastest = min(theirs, key=medians.get)
    ratio = statistics.median(a / b for a, b in zip(times[fastest], times["ravine"], strict=True))
    return medians, ratio


def timed(options):
    """The figures of one run: rule, shape, threads, seconds of each way, ratio."""
    for rule in options.rules.split(","):
        for name in options.shapes.split(","):
            for threads in map(int, options.threads.split(",")):
                torch.set_num_threads(threads)
                tensors = tensors_of(SHAPES[name]())
                kept = [t.grad.clone() for t in tensors]

                def refill(tensors=tensors, kept=kept):
                    torch._foreach_copy_([t.grad for t in tensors], kept)

                steps = (whole_steps if options.whole else plain_steps)(rule, tensors)
                elements = sum(t.numel() for t in tensors)
                medians, ratio = measure(steps, refill if options.whole else lambda: None, elements)
                yield rule, name, threads, medians, ratio
                del steps, tensors, kept, refill


def of_processes(runs):
    """The same from as many processes, one after another: where memory lies differs by process."""
    command = [sys.executable, *sys.argv, "--runs=1", "--json"]
    for _ in range(runs):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        yield [json.loads(line) for line in done.stdout.splitlines()]


def main():
    """One line for each rule, shape and number of threads; exit code 1: slower somewhere."""
    parser = argparse.ArgumentParser(prog="torch_step", description=__doc__)
    parser.add_argument("--rules", default="AdamW", help="separated by commas")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--whole", action="store_true", help="clip + step + zero + average")
    parser.add_argument("--runs", type=int, default=5, help="processes")
    parser.add_argument("--json", action="store_true", help="the figures of one run, a line each")
    options = parser.parse_args()
    if options.json:
        for row in timed(options):
            print(json.dumps(row), flush=True)
        return 0
    with open("/proc/cpuinfo") as file:
        processor = next((x.split(":")[1].strip() for x in file if x.startswith("model name")), "")
    what = "clip + step + zero + average" if options.whole else "the plain step"
    print(
        f"PyTorch {torch.__version__}, ravine {ravine.__version__}, {platform.machine()}"
        f" {processor}, float32, {what}; medians of {options.runs} processes;"
        " microseconds; ratio: PyTorch's fastest / ours, and from the least to the greatest"
    )
    print(
        f"{'rule':9}{'shapes':>10}{'threads':>8}"
        + "".join(f"{w:>12}" for w in [*WAYS, "ravine"])
        + f"{'ratio':>8}   spread"
    )
    slower = False
    for rows in zip(*of_processes(options.runs), strict=True):
        rule, name, threads, first, _ = rows[0]
        cells = "".join(
            f"{1e6 * statistics.median(row[3][way] for row in rows):12.1f}"
            if way in first
            else f"{'-':>12}"
            for way in [*WAYS, "ravine"]
        )
        ratios = [row[4] for row in rows]
        ratio = statistics.median(ratios)
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        print(f"{rule:9}{name:>10}{threads:8}{cells}{ratio:8.2f} {spread:>9}", flush=True)
        slower |= ratio < EQUAL
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
