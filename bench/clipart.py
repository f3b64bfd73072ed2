# SPDX-License-Identifier: Apache-2.0
"""A folder of PNG files as `ravine train` reads it.

There is a folder for each class; each image becomes a square of so many pixels, every number the
mean of the area that it stands for, what is transparent lies on white.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

PIXELS = 1 << 16  # that are reduced at once: they stay in a cache
Image.MAX_IMAGE_PIXELS = None  # one drawing has 623 million


def overlaps(length, size):
    """[size, length]: how much each of `length` pixels counts in each of `size` areas."""
    edges = np.arange(size + 1) * length / size
    at = np.arange(length)
    inside = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    return (np.clip(inside, 0, None) * size / length).astype(np.float32)


def read_picture(path, size):
    """[3, size, size] bytes."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    width, height = rgba.size
    down, across = overlaps(height, size), overlaps(width, size)
    rows = np.zeros((size, width * 3), np.float32)
    for top in range(0, height, max(PIXELS // width, 1)):
        band = range(top, min(top + max(PIXELS // width, 1), height))
        part = Image.new("RGBA", (width, len(band)), "white")
        part.alpha_composite(rgba.crop((0, band.start, width, band.stop)))
        shown = np.asarray(part.convert("RGB"), np.float32).reshape(len(band), -1)
        weights = down[:, band.start : band.stop]
        met = np.flatnonzero(weights.any(axis=1))
        rows[met] += np.einsum("sl,lw->sw", weights[met], shown)  # in one thread, unlike @
    out = np.einsum("sw,dwc->dsc", across, rows.reshape(size, width, 3))
    return np.rint(out).clip(0, 255).astype(np.uint8).transpose(2, 0, 1)


def read_folder(folder, classes, size):
    """Pixels [count, 3, size, size] and labels; a process for each processor reads."""
    paths, labels = [], []
    for label, name in enumerate(sorted(classes)):
        found = sorted(Path(folder, name).rglob("*.png"))
        paths += found
        labels += [label] * len(found)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        pictures = list(pool.map(partial(read_picture, size=size), paths, chunksize=16))
    return np.stack(pictures), np.array(labels)
