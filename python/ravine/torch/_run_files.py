# SPDX-License-Identifier: Apache-2.0
"""What a run folder says of its model, checked: nothing of a file is believed."""

import ctypes
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ravine import _api
from ravine._library import lib
from ravine.torch._run_net import ACTIVATIONS, MODELS
from ravine.torch._run_text import TEXT_MODELS

KINDS = ("table", "images", "text")
# The words that model.* may have, and the bounds of its whole numbers: of examples, and of texts.
WORDS = {
    "name": MODELS,
    "activation": ACTIVATIONS,
    "norm": ("none", "batch", "layer"),
    "pooling": ("max", "average"),
}
TEXT_WORDS = {
    "name": TEXT_MODELS,
    "activation": ACTIVATIONS,
    "norm": ("pre", "post", "none"),
}
WHOLES = {"dense": (0, 65536), "kernel": (1, 31), "blocks": (1, 100)}
TEXT_WHOLES = {"layers": (1, 1024), "heads": (1, 65536), "width": (1, 65536)}
WIDTHS_MAX, WIDTH_MAX, SIDE_MAX, WORDS_MAX, CONTEXT_MAX = 256, 65536, 65536, 10000, 16384


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; a run of `ravine train` has one") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start} is not UTF-8") from None


def _object(text: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: holds no JSON object")
    return value


def is_whole(value: Any, least: int, most: int) -> bool:
    """Whether a value of JSON is an integer in [least, most]; true and false are none."""
    return type(value) is int and least <= value <= most


def is_finite(value: Any) -> bool:
    """Whether a value of JSON is a number."""
    return type(value) in (int, float) and math.isfinite(value)


def _check_model(key: Any, path: Path, is_text: bool) -> dict[str, Any]:
    if not isinstance(key, dict):
        raise ValueError(f"{path}: its first line has no config.model")
    for name, words in (TEXT_WORDS if is_text else WORDS).items():
        if not isinstance(key.get(name), str) or key[name] not in words:
            told = ", ".join(words)
            raise ValueError(f"{path}: model.{name} is {key.get(name)!r}; it must be one of {told}")
    for name, (least, most) in (TEXT_WHOLES if is_text else WHOLES).items():
        if not is_whole(key.get(name), least, most):
            wrong = f"model.{name} is {key.get(name)!r}; it must be in [{least}, {most}]"
            raise ValueError(f"{path}: {wrong}")
    if not is_finite(key.get("dropout")) or not 0 <= key["dropout"] < 1:
        raise ValueError(f"{path}: model.dropout is {key.get('dropout')!r}; it must be in [0, 1)")
    if is_text:
        if (key["name"] == "lstm") != (key["norm"] == "none"):
            raise ValueError(f"{path}: model.norm is {key['norm']!r}; a {key['name']} has another")
        if key["name"] == "transformer" and key["width"] % key["heads"]:
            wrong = f"model.heads is {key['heads']}; it must divide model.width, {key['width']}"
            raise ValueError(f"{path}: {wrong}")
        return key
    if key["name"] == "cnn" and key["kernel"] % 2 == 0:
        raise ValueError(f"{path}: model.kernel is {key['kernel']}; it must be odd")
    widths, least = key.get("widths"), 0 if key["name"] == "mlp" else 1
    if not isinstance(widths, list) or not least <= len(widths) <= WIDTHS_MAX:
        raise ValueError(f"{path}: model.widths must be a list of {least} to {WIDTHS_MAX} numbers")
    for width in widths:
        if not is_whole(width, 1, WIDTH_MAX):
            raise ValueError(f"{path}: model.widths has {width!r}; it must be in [1, {WIDTH_MAX}]")
    return key


def read_model(folder: Path, encoding: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's model.* from the first line of run.jsonl."""
    path = folder / "run.jsonl"
    header = _object(_read(path).partition("\n")[0], path)
    config = header.get("config")
    model = config.get("model") if isinstance(config, dict) else None
    return _check_model(model, path, encoding["kind"] == "text")


def _check_column(column: Any, path: Path) -> None:
    if not isinstance(column, dict):
        raise ValueError(f"{path}: a column is no object")
    words = column.get("words")
    if words is None:
        numbers = [column.get("mean"), column.get("deviation"), column.get("fill", 0.0)]
        is_told = isinstance(column.get("indicator", False), bool)
        if is_told and all(map(is_finite, numbers)) and column["deviation"] >= 0:
            return
        raise ValueError(
            f"{path}: column {column.get('name')!r} has neither words nor a finite mean and fill "
            "and a deviation >= 0"
        )
    if not isinstance(words, list) or not 1 <= len(words) <= WORDS_MAX:
        raise ValueError(f"{path}: column {column.get('name')!r} must have 1 to {WORDS_MAX} words")
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"{path}: column {column.get('name')!r} has a word that is no text")


def read_encoding(folder: Path) -> dict[str, Any]:
    """encoding.json, whose form docs/predict.md tells."""
    path = folder / "encoding.json"
    encoding = _object(_read(path), path)
    if encoding.get("kind") == "unknown":
        raise ValueError(f"{path}: {encoding.get('why')}")
    if encoding.get("format") not in (1, 2) or encoding.get("kind") not in KINDS:
        raise ValueError(f"{path}: is no encoding of format 1 or 2 that this version knows")
    if encoding["kind"] == "text":
        if encoding.get("unit") == "byte" and is_whole(encoding.get("context"), 1, CONTEXT_MAX):
            return encoding
        raise ValueError(f"{path}: has no unit byte, or no context in [1, {CONTEXT_MAX}]")
    target = encoding.get("target")
    _check_column(target, path)
    if encoding["kind"] == "images":
        shape = encoding.get("shape")
        right = isinstance(shape, list) and len(shape) == 3
        if not right or not all(is_whole(n, 1, SIDE_MAX) for n in shape):
            raise ValueError(f"{path}: shape is {shape!r}; it must be 3 numbers in [1, {SIDE_MAX}]")
        if "words" not in target:
            raise ValueError(f"{path}: the target of images has no words")
        _check_column(
            {"name": "pixels"} | {k: encoding.get(k) for k in ("mean", "deviation")}, path
        )
        return encoding
    if "missing" in encoding:
        markers = encoding.get("missing_markers")
        if not isinstance(markers, list) or not all(isinstance(m, str) for m in markers):
            raise ValueError(f"{path}: missing_markers is no list of words")
    columns = encoding.get("columns")
    if not isinstance(columns, list) or not columns:
        raise ValueError(f"{path}: has no columns")
    for column in columns:
        _check_column(column, path)
        if not isinstance(column.get("name"), str):
            raise ValueError(f"{path}: a column has no name")
    return encoding


def _best(folder: Path) -> Path:
    """Of the checkpoints at the ends of epochs, the one with the least held-out loss.

    Logs of before there was a validation have that of the test.
    """
    losses = {}
    for text in _read(folder / "run.jsonl").splitlines()[1:]:
        if '"epoch"' not in text:
            continue
        line = _object(text, folder / "run.jsonl")
        held = line.get("validation", line.get("test"))
        loss = held.get("loss") if isinstance(held, dict) else None
        if line.get("type") != "epoch" or not is_finite(loss):
            continue
        if is_whole(line.get("step"), 1, 2**53):
            path = folder / "checkpoints" / f"step-{line['step']:08d}.safetensors"
            if path.exists():
                losses[path] = loss
    if not losses:
        raise FileNotFoundError(
            f"{folder}/checkpoints has no checkpoint of the end of an epoch; take weights='last'"
        )
    return min(losses, key=losses.__getitem__)


def _tensor(file, path: Path, name: str, shape: Sequence[int]) -> Tensor:
    at = lib.ravine_checkpoint_find(file, name.encode())
    if at < 0:
        why = "; the run keeps no averaged weights" if name.startswith("ema.") else ""
        raise ValueError(f"{path}: has no tensor {name}{why}")
    told = _api.ravine_tensor()
    lib.ravine_checkpoint_tensor(file, at, told)
    has = tuple(told.shape[k] for k in range(told.ndim))
    if told.dtype != _api.RAVINE_F32 or has != tuple(shape):
        raise ValueError(
            f"{path}: {name} is {list(has)}; the run's net has float32 of {list(shape)}"
        )
    numbers = torch.empty(tuple(shape))
    lib.ravine_checkpoint_read(file, at, numbers.data_ptr(), numbers.nbytes)
    return numbers


def read_weights(folder: Path, which: str, wanted: Mapping[str, Tensor], trained: set[str]):
    """Numbers for every name of `wanted`, a state_dict without memory; `trained` are averaged."""
    path = _best(folder) if which == "best" else folder / "weights.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a run of `ravine train` writes it at its end")
    file, numbers = ctypes.c_void_p(), {}
    lib.ravine_checkpoint_open(file, str(path).encode(), None)
    try:
        for name, like in wanted.items():
            if name.endswith("num_batches_tracked"):  # PyTorch's own
                numbers[name] = torch.zeros((), dtype=like.dtype)
                continue
            # Convolutions lie [out, kernel, kernel, in].
            shape = [like.shape[k] for k in (0, 2, 3, 1)] if like.ndim == 4 else like.shape
            prefix = "ema." if which == "averaged" and name in trained else ""
            read = _tensor(file, path, prefix + name, shape)
            numbers[name] = read.permute(0, 3, 1, 2).contiguous() if like.ndim == 4 else read
    finally:
        lib.ravine_checkpoint_close(file)
    return numbers
