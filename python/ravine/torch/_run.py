# SPDX-License-Identifier: Apache-2.0
"""What `ravine train` has learned, as a module of PyTorch."""

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ravine.torch._run_files import read_encoding, read_model, read_weights
from ravine.torch._run_net import make_net
from ravine.torch._run_text import TEXT_MODELS, Bytes


def _standardised(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """0 where the deviation is 0: all that was learned from was the same."""
    return torch.where(deviation > 0, (x - mean) / torch.where(deviation > 0, deviation, 1), 0)


class Columns(nn.Module):
    """Rows of a table as the net takes them: numbers standardised, an input for each word."""

    def __init__(self, columns: list[dict[str, Any]]):
        """The columns of encoding.json."""
        super().__init__()
        self._words = [len(column.get("words", ())) for column in columns]
        spread = torch.tensor(
            [[c.get("mean", 0.0), c.get("deviation", 0.0)] for c in columns], dtype=torch.float64
        )
        self.register_buffer("mean", spread[:, 0].clone())
        self.register_buffer("deviation", spread[:, 1].clone())
        fills = [c.get("fill", c.get("mean", 0.0)) for c in columns]
        self.register_buffer("fill", torch.tensor(fills, dtype=torch.float64))
        self._indicators = [c.get("indicator", False) for c in columns]

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, columns], a word as its place among its column's words; NaN: missing."""
        if x.ndim != 2 or x.shape[1] != len(self._words):
            raise ValueError(
                f"the rows are {list(x.shape)}; the run has learned from {len(self._words)} columns"
            )
        missing = x.isnan()
        filled = torch.where(missing, self.fill, x.to(self.mean.dtype))
        numbers = _standardised(filled, self.mean, self.deviation)
        parts = []
        for k, words in enumerate(self._words):
            if not words:
                parts.append(numbers[:, k : k + 1])
                if self._indicators[k]:
                    parts.append(missing[:, k : k + 1].to(numbers.dtype))
                continue
            places = torch.arange(words, device=x.device)
            parts.append((x[:, k : k + 1] == places).to(numbers.dtype))
        return torch.cat(parts, dim=1)


class Pixels(nn.Module):
    """Pixels 0 to 255 as the net takes them."""

    def __init__(self, shape: list[int], mean: float, deviation: float):
        """Mean and deviation are shares of 255."""
        super().__init__()
        self._shape = shape
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float64))
        self.register_buffer("deviation", torch.tensor(deviation, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """x: [count, channels, height, width]; of one channel [count, height, width], too."""
        images = x.unsqueeze(1) if x.ndim == 3 else x
        if list(images.shape[1:]) != self._shape:
            raise ValueError(
                f"the images are {list(x.shape[1:])}; the run has learned from {self._shape}"
            )
        return _standardised(images.to(self.mean.dtype) / 255, self.mean, self.deviation)


class Run(nn.Module):
    """A trained net that takes raw examples and answers as `ravine predict` does.

    Its parameters are called as in weights.safetensors, after "net.".
    """

    #: names of the classes in the order of the outputs; empty for a regression and a text
    classes: list[str]
    #: names of a table's columns in the order in which it takes them; empty for images and a text
    columns: list[str]
    #: bytes of a text that it sees at most; 0: it has learned from no text
    context: int

    def __init__(self, encoding: dict[str, Any], model: dict[str, Any]):
        """From encoding.json and model.* of a run; its net has no numbers yet."""
        super().__init__()
        self.context = encoding.get("context", 0)
        if self.context:
            self.classes, self.columns, self._columns = [], [], []
            self.encoding: nn.Module = Bytes(self.context)
            self.net: nn.Module = TEXT_MODELS[model["name"]](model, self.context)
            return
        target = encoding["target"]
        self.classes = list(target.get("words", ()))
        self._columns = encoding.get("columns", [])
        # None: nothing may be missing
        self._missing = {"", *encoding["missing_markers"]} if "missing" in encoding else None
        self.columns = [column["name"] for column in self._columns]
        if self._columns:
            self.encoding = Columns(self._columns)
            size = [sum(_width(c) for c in self._columns), 1, 1]
        else:
            size = encoding["shape"]
            self.encoding = Pixels(size, encoding["mean"], encoding["deviation"])
        self.net = make_net(model, size, len(self.classes) or 1)
        if not self.classes:
            spread = (target["mean"], target["deviation"])
            self.register_buffer("target_mean", torch.tensor(spread[0], dtype=torch.float64))
            self.register_buffer("target_deviation", torch.tensor(spread[1], dtype=torch.float64))

    def logits(self, x: Tensor) -> Tensor:
        """The outputs of the last layer, for a loss: docs/predict.md."""
        given = self.encoding(x)
        return self.net(given if self.context else given.to(self.net.output.weight.dtype))

    def forward(self, x: Tensor) -> Tensor:
        """[count, classes] probabilities, or [count] values in the units of the target.

        x: rows of a table as encode() makes them, or images of pixels 0 to 255. Of a text: bytes
        [count, positions]; [count, positions, 256] are the probabilities of the byte after each.
        """
        out = self.logits(x)
        if self.classes or self.context:
            return out.softmax(dim=-1)
        return self.target_mean + self.target_deviation * out[:, 0]

    def encode(self, rows: Iterable[Mapping[str, Any]]) -> Tensor:
        """[count, columns] from rows that have a value for each column, by name; others are left.

        A number is a number or its text; a word becomes its place; a date is the days since
        1970-01-01. Where the run has a policy for what is missing, None, NaN, "" and its markers
        are. csv.DictReader gives such rows.
        """
        if not self._columns:
            what = "a text: give its bytes" if self.context else "images: give their pixels"
            raise TypeError(f"the run has learned from {what} to the module")
        numbered = enumerate(rows, 1)
        values = [[_value(c, row, k, self._missing) for c in self._columns] for k, row in numbered]
        return torch.tensor(values, dtype=torch.float64).reshape(-1, len(self._columns))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _width(column: dict[str, Any]) -> int:
    """Inputs that a column gives."""
    return len(column.get("words", "1")) + column.get("indicator", False)


def _is_missing(value: Any, markers: set[str] | None) -> bool:
    if markers is None:
        return False
    return value is None or value != value or (isinstance(value, str) and value.strip() in markers)


def _value(
    column: dict[str, Any], row: Mapping[str, Any], k: int, markers: set[str] | None
) -> float:
    name = column["name"]
    if name not in row:
        raise KeyError(f"row {k} has no {name!r}, and the run has learned from it")
    value, words = row[name], column.get("words")
    number = _number(value)
    if words is None:
        if _is_missing(value, markers):
            return math.nan
        form = column.get("form", "point")
        if form != "point" and isinstance(value, str):
            raise ValueError(
                f"row {k}: {name} is {value!r}, text of the form {form!r}: give its number, of a "
                "date the days since 1970-01-01"
            )
        if number is None or not abs(number) <= 1e100:
            raise ValueError(f"row {k}: {name} is {value!r}; it must be a number within +-1e100")
        return number
    if str(value) not in words and _is_missing(value, markers):
        return -1.0  # none of its inputs is 1
    if str(value) in words:
        return words.index(str(value))
    same = [p for p, w in enumerate(words) if number is not None and _number(w) == number]
    if not same:
        raise ValueError(f"row {k}: {name} is {value!r}, none of the words that were learned from")
    return same[0]


def load_run(
    run: str | os.PathLike[str], *, weights: Literal["last", "best", "averaged"] = "last"
) -> Run:
    """The net that a run of `ravine train` has learned, in eval mode, on the CPU.

    Args:
        run: the folder of the run. Needed are run.jsonl, encoding.json and the weights.
        weights: "last", those that `ravine predict` uses; "best", of the checkpoint with the least
            test loss; "averaged", of a run with `ema`, as `ravine predict --averaged`.

    A file that is missing is a FileNotFoundError; one that is damaged, or does not fit the others,
    a ValueError or ravine.Error that names the file and what is wrong.
    """
    if weights not in ("last", "best", "averaged"):
        raise ValueError(f"weights is {weights!r}; it must be 'last', 'best' or 'averaged'")
    folder = Path(run)
    encoding = read_encoding(folder)
    module = Run(encoding, read_model(folder, encoding))
    trained = {name for name, _ in module.net.named_parameters()}
    numbers = read_weights(folder, weights, module.net.state_dict(), trained)
    module.net.load_state_dict(numbers, assign=True)
    return module.eval()
