# SPDX-License-Identifier: Apache-2.0
"""What bounds the figures of `make bench-torch`: the parts that no mending could take away.

A thousand short tensors: the library's step alone, without Python, and a look at the address of
each parameter and gradient alone, without which a step would write where they no longer lie.
Medians over rounds, interleaved.
"""

import statistics
import sys
import time

import ravine.torch
import torch
from ravine._library import lib

ROUNDS = 51


def seconds(*works):
    """Medians of what each takes, in turns."""
    times = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, kept in zip(works, times, strict=True):
            begin = time.perf_counter()
            work()
            kept.append(time.perf_counter() - begin)
    return [statistics.median(kept) for kept in times]


def short_tensors():
    """A step of 1,000 tensors of 1,000, on one thread."""
    torch.set_num_threads(1)
    tensors = [torch.randn(1000).requires_grad_() for _ in range(1000)]
    for t in tensors:
        t.grad = torch.randn(1000) * 1e-3
    fused = torch.optim.AdamW(tensors, lr=1e-5, fused=True)
    ours = ravine.torch.AdamW(tensors, lr=1e-5)
    ours.step()
    pointer = ours._session.pointer

    def look():
        for t in tensors:
            t.data_ptr()
            t.grad.data_ptr()

    theirs, whole, library, looking = seconds(
        fused.step, ours.step, lambda: lib.ravine_step(pointer, None), look
    )
    print("AdamW, 1,000 tensors of 1,000, one thread; microseconds")
    print(f"PyTorch's fused step               {1e6 * theirs:8.0f}")
    print(f"ours                               {1e6 * whole:8.0f}  ratio {theirs / whole:.2f}")
    print(f"  of it the library alone          {1e6 * library:8.0f}")
    print(f"  the addresses alone              {1e6 * looking:8.0f}")
    print(f"the bound: these two and no more   {theirs / (library + looking):24.2f}")


def main():
    """Prints them."""
    short_tensors()
    return 0


if __name__ == "__main__":
    sys.exit(main())
