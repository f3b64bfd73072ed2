# SPDX-License-Identifier: Apache-2.0
"""Small runs of every kind of net and encoding, for the tests of what is made of a run."""

import csv
import gzip
import json
import os
import pathlib
import random
import struct
import subprocess
import zlib

import numpy as np

# tests/integrations, which has a conftest of its own, uses this file too.
ROOT = pathlib.Path(__file__).resolve().parents[2]
RAVINE = (ROOT / os.environ.get("RAVINE_BUILD", "build") / "ravine").resolve()


def ravine(*words, stdin=None, code=0):
    done = subprocess.run(
        [RAVINE, *map(str, words)], capture_output=True, text=True, input=stdin, timeout=120
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def train(folder, name, **settings):
    sets = [f"--set={key.replace('__', '.')}={value}" for key, value in settings.items()]
    ravine("train", *sets, f"--set=runs_dir={folder}", f"--set=name={name}", "--quiet")
    return folder / name


def predicted(run, file, *more):
    """[rows, outputs] of `ravine predict`, in all digits."""
    told = json.loads(ravine("predict", run, file, "--json", *more))["rows"]
    return np.array([row.get("probabilities", [row["prediction"]]) for row in told])


def flowers(path, with_words, with_gaps=False):
    draw = random.Random(7)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["length", "width", "same", *(["hue", "year"] * with_words), "species"])
        for _ in range(300):
            k = draw.randrange(3)
            words = [draw.choice(["red", "green, dark"]), draw.choice(["1999", "2000"])]
            numbers = [1000 + draw.gauss(2 * k, 0.8), draw.gauss(-k, 0.7), 5]
            if with_gaps and draw.random() < 0.1:
                numbers[draw.randrange(2)] = draw.choice(["", "?"])
            out.writerow([*numbers, *(words * with_words), ["a", "b", "c"][k]])
    return path


def pictures(folder, classes=3, shape=(9, 8), counts=(120, 30), packed=False):
    """Settings of IDX files whose class is where a bar lies; packed: as .gz."""
    draw, paths = np.random.default_rng(3), {}
    for part, count in zip(("train", "test"), counts, strict=True):
        labels = draw.integers(0, classes, count).astype(np.uint8)
        labels[:classes] = range(classes)
        pixels = draw.integers(0, 60, (count, *shape)).astype(np.uint8)
        for i, k in enumerate(labels):
            pixels[i, 2 * k : 2 * k + 2] += 120
        for kind, array in (("images", pixels), ("labels", labels)):
            head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            path = folder / f"{part}-{kind}{'.gz' if packed else ''}"
            path.write_bytes((gzip.compress if packed else bytes)(head + array.tobytes()))
            paths[f"data__{part}_{kind}"] = path
    return paths


def png(path, pixels):
    """An RGB image of 8 bits, [height, width, 3]."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )
    return path


TABLES = {
    "numbers": {"activation": "relu", "norm": "none", "widths": "[16, 8]"},
    "words": {"activation": "gelu", "norm": "batch", "widths": "[16, 8]", "dropout": 0.1},
    "kwh": {"activation": "tanh", "norm": "layer", "widths": "[12]"},
    "linear": {"widths": "[]"},
    "gaps": {"activation": "relu", "norm": "none", "widths": "[8]"},
    "median": {"activation": "relu", "norm": "none", "widths": "[8]"},
}
IMAGES = {
    "cnn": {"name": "cnn", "widths": "[4, 6]", "norm": "batch", "dense": 12},
    "cnn_average": {
        "name": "cnn",
        "widths": "[4]",
        "pooling": "average",
        "activation": "gelu",
        "norm": "layer",
        "dense": 0,
    },
    "resnet": {"name": "resnet", "widths": "[4, 8]", "blocks": 2, "norm": "batch"},
    "pixels": {"name": "mlp", "widths": "[10]", "activation": "tanh"},
}
KINDS = [*TABLES, *IMAGES]


def make(folder, kind):
    """(run, file of examples)."""
    model = {f"model__{key}": value for key, value in (TABLES | IMAGES)[kind].items()}
    common = model | {"epochs": 3, "batch_size": 20, "ema": 0.9, "optimizer": "adam lr=0.01"}
    if kind in IMAGES:
        paths = pictures(folder)
        return train(folder, kind, **common, **paths), paths["data__test_images"]
    if kind == "kwh":
        table = {"file": ROOT / "examples/data/energy.csv", "target": "kwh", "task": "regression"}
    else:
        has_gaps = kind in ("gaps", "median")
        file = flowers(folder / "flowers.csv", kind == "words", has_gaps)
        table = {"file": file, "target": "species"}
        if has_gaps:
            table["missing"] = "median" if kind == "median" else "indicator"
            table["missing_markers"] = "['?']"
        if kind == "words":
            table["word_columns"] = "[year]"
    data = {f"data__{key}": value for key, value in table.items()}
    return train(folder, kind, data__format="csv", **data, **common), table["file"]


def read(folder, norm="pre", **settings):
    """(run, text that it has learned from) of a transformer."""
    draw, file = random.Random(1), folder / "words.txt"
    words = "the river cuts a ravine deep into rock and sand".split()
    file.write_text(" ".join(draw.choice(words) for _ in range(6000)))
    told = {
        "data__format": "text", "data__files": f"[{file}]", "data__context": 24,
        "data__examples": 1600, "data__test_share": 0.1, "model__name": "transformer",
        "model__layers": 2, "model__heads": 2, "model__width": 16, "model__norm": norm,
        "model__activation": "gelu", "optimizer": "adamw lr=0.01", "epochs": 2, "batch_size": 8,
    }  # fmt: skip
    return train(folder, "text", **(told | settings)), file


def pixels_of(file):
    """Of an IDX file of grey images: [count, height, width]."""
    count, height, width = struct.unpack_from(">III", file.read_bytes(), 4)
    return np.frombuffer(file.read_bytes(), np.uint8, offset=16).reshape(count, height, width)


def rows_of(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))
