# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks compare with is the same work."""

import base64
import io
import json
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from trained import train

SIDE = 16
KINDS = [("RGBA", 40, 70), ("RGB", 7, 9), ("P", 31, 33), ("L", 600, 20), ("RGBA", 16, 1100)]


@pytest.fixture
def clipart(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "bench")
    import clipart

    yield clipart
    del sys.modules["clipart"]


def draw(folder):
    """Six drawings of each kind in two classes."""
    random = np.random.default_rng(1)
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        for k in range(6 * len(KINDS)):
            mode, width, height = KINDS[k % len(KINDS)]
            pixels = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
            Image.fromarray(pixels, "RGBA").convert(mode).save(folder / name / f"{k}.png")


def test_pytorch_is_given_the_pictures_that_ours_reads(clipart, tmp_path):
    draw(tmp_path / "drawings")
    run = train(tmp_path, "drawn", data__format="folder", data__folder=tmp_path / "drawings",
                data__image_size=SIDE, epochs=1)  # fmt: skip
    pixels, labels = clipart.read_folder(tmp_path / "drawings", ["one", "two"], SIDE)
    assert pixels.shape == (60, 3, SIDE, SIDE) and list(labels) == [0] * 30 + [1] * 30
    examples = json.loads((run / "worst.json").read_text())["examples"]
    assert len(examples) == 12
    for example in examples:
        png = base64.b64decode(example["picture"].partition(",")[2])
        ours = np.asarray(Image.open(io.BytesIO(png))).transpose(2, 0, 1).astype(int)
        away = np.abs(pixels - ours).max(axis=(1, 2, 3))
        assert away.min() <= 1
        assert ["one", "two"][labels[away.argmin()]] == example["is"]
