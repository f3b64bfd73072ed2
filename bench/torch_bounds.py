"""What bounds the figures of `make bench-torch`: the parts that no mending could take away.

A thousand short tensors: the library's step alone, without Python, and a look at the address of
each parameter and gradient alone, without which a step would write where they no longer lie.
The MLP's training: its matrix products alone, by OpenBLAS, as `ravine train` makes them, and by
PyTorch. Medians over rounds, interleaved.
"""

import ctypes
import statistics
import sys
import time

import numpy as np
import ravine.torch
import torch
from ravine._library import lib

ROUNDS = 51
LAYERS = [(784, 256), (256, 128), (128, 10)]
BATCH, STEPS = 256, 6 * 235  # of examples/fashion_mlp.yaml
ROW_MAJOR, AS_IS, TURNED = 101, 111, 112  # of cblas.h


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


def products_of(multiply):
    """One step's products: forward, gradient of the weights, gradient of the inputs."""
    work = []
    for k, (n, m) in enumerate(LAYERS):
        x, w = np.random.rand(BATCH, n), np.random.rand(n, m)
        x, w, dy = x.astype(np.float32), w.astype(np.float32), np.ones((BATCH, m), np.float32)
        y, dw, dx = np.empty_like(dy), np.empty_like(w), np.empty_like(x)
        work += [multiply(x, w, y, False, False), multiply(x, dy, dw, True, False)]
        if k > 0:  # nobody asks for the gradient of the images
            work.append(multiply(dy, w, dx, False, True))

    def step():
        for product in work:
            product()

    return step


def by_openblas(a, b, out, turn_a, turn_b):
    """A product of cblas_sgemm."""
    blas = ctypes.CDLL("libopenblas.so.0")
    (m, n), k = out.shape, a.shape[0] if turn_a else a.shape[1]
    address = [x.ctypes.data_as(ctypes.c_void_p) for x in (a, b, out)]
    one, zero = ctypes.c_float(1), ctypes.c_float(0)
    turns = [TURNED if turn else AS_IS for turn in (turn_a, turn_b)]

    def product():
        blas.cblas_sgemm(
            ROW_MAJOR, *turns, m, n, k, one, address[0], a.shape[1], address[1], b.shape[1],
            zero, address[2], n,
        )  # fmt: skip

    return product


def by_torch(a, b, out, turn_a, turn_b):
    """A product of torch.mm."""
    a, b, out = (torch.from_numpy(x) for x in (a, b, out))
    a, b = a.T if turn_a else a, b.T if turn_b else b
    return lambda: torch.mm(a, b, out=out)


def mlp():
    """All products of a training of examples/fashion_mlp.yaml."""
    torch.set_num_threads(2)
    blas, theirs = seconds(products_of(by_openblas), products_of(by_torch))
    print(f"\nthe products of {STEPS:,} steps of the MLP, batches of {BATCH}, two threads; seconds")
    print(f"by OpenBLAS                        {STEPS * blas:8.2f}")
    print(f"by PyTorch                         {STEPS * theirs:8.2f}")


def main():
    """Both."""
    short_tensors()
    mlp()
    return 0


if __name__ == "__main__":
    sys.exit(main())
