# SPDX-License-Identifier: Apache-2.0
"""What a model, its inputs and the graph of its loss show of a training: facts for the doctor.

Names are those of RAVINE_FACT_LIST. A fact that is not certain is left out.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ravine.torch._dtensors import local

Facts = dict[str, float]

# ---- the model


def facts_of_model(model: nn.Module) -> Facts:
    """What stands in the model before it is trained."""
    numbers = [(p.numel(), p.requires_grad) for p in model.parameters()]
    total = sum(n for n, _ in numbers)
    facts: Facts = {}
    if total and not any(_is_adapted(module) for module in model.modules()):
        facts["frozen_share"] = sum(n for n, trained in numbers if not trained) / total
    dropped = [share for module in model.modules() for share in _dropped_by(module)]
    if dropped:
        facts["dropout"] = max(dropped)
    if not _has_norms(model):
        gains = [gain for module in model.modules() for gain in _gains_of(module)]
        if gains:
            facts["weight_gain"] = max(gains)
    return facts


def _is_adapted(module: nn.Module) -> bool:
    """Whether it is a frozen matrix with a low-rank adapter B A that is trained (Hu et al. 2021).

    What such a model leaves frozen is frozen on purpose.
    """
    matrices = []
    for p in module.parameters():
        if p.ndim == 2:
            matrices.append(p)
        if len(matrices) > _ADAPTERS_MOST:  # a model, not a layer
            return False
    frozen = {tuple(p.shape) for p in matrices if not p.requires_grad}
    trained = [tuple(p.shape) for p in matrices if p.requires_grad]
    return any(
        (b[0], a[1]) in frozen and a[0] == b[1] < min(b[0], a[1]) for a in trained for b in trained
    )


_ADAPTERS_MOST = 8  # matrices of a layer with its adapters
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def _has_norms(model: nn.Module) -> bool:
    """Whether there are layers that hold signals: PyTorch's, or others by what they are called."""
    return any("norm" in type(module).__name__.lower() for module in model.modules())


def _gains_of(module: nn.Module) -> Iterator[float]:
    """By which the weights enlarge what goes through them. Embeddings are looked up."""
    if isinstance(module, _LAYERS):
        weights = [module.weight]
    elif isinstance(module, nn.RNNBase):
        weights = [p for name, p in module.named_parameters() if name.startswith("weight_hh")]
    else:
        return
    for weight in map(local, weights):
        if weight.numel() and weight.is_floating_point():
            yield float(weight.detach().float().square().mean() * weight[0].numel()) ** 0.5


def _dropped_by(module: nn.Module) -> Iterator[float]:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        yield module.p
    elif isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        yield module.dropout


def norms_untrained(model: nn.Module) -> float | None:
    """Share of the batch norms that use running means of the start; None: there are no norms.

    One that is being trained does not use them: that they stand still shows in evaluation only.
    Norms of other kinds have none.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    kept = [m for m in norms if m.running_mean is not None]
    if not kept:
        return 0.0 if _has_norms(model) else None
    return sum(not (m.training or m.running_mean.any()) for m in kept) / len(kept)


# ---- its inputs


class Inputs:
    """Sizes of what a model is given in its first calls."""

    CALLS = 16
    EXAMPLES = 64  # of a call

    def __init__(self):
        """Nothing was seen yet."""
        self.calls = 0
        self._columns: Tensor | None = None  # means of squares
        self._examples: list[Tensor] = []  # root mean squares

    def see(self, arguments) -> None:
        """Takes in the arguments of a call."""
        self.calls += 1
        x = next((a for a in arguments if torch.is_tensor(a) and a.is_floating_point()), None)
        if x is None or x.dim() < 2 or not x.numel():
            return
        some = local(x).detach()[: self.EXAMPLES]
        square = (some if some.dtype is torch.float64 else some.float()).square()
        self._examples.append(square.flatten(1).mean(1).sqrt().cpu())
        # A column: the last dimension of tables and sequences, the channel of images.
        column = 1 if x.dim() > 3 else x.dim() - 1
        columns = square.transpose(column, -1).flatten(0, -2).mean(0).cpu()
        if self._columns is None:
            self._columns = columns
        elif columns.shape == self._columns.shape:
            self._columns += (columns - self._columns) / self.calls

    def facts(self) -> Facts:
        """Size, the greatest column and the greatest example over the median ones."""
        if self._columns is None:
            return {}
        facts = {"input_size": float(self._columns.mean().sqrt())}
        found = {"input_ratio": self._columns.sqrt(), "input_peak": torch.cat(self._examples)}
        return facts | _peaks(found)


def _peaks(found: dict[str, Tensor]) -> Facts:
    """The greatest of these sizes over the median one."""
    facts: Facts = {}
    for name, sizes in found.items():
        alive = sizes[sizes > 0]  # a column that is always 0 is no measure
        if len(alive) > 1:
            facts[name] = float(alive.max() / alive.median())
    return facts


# ---- its loss


def loss_in(output):
    """What a model's result calls its loss; None: nothing."""
    if isinstance(output, Mapping):
        return output.get("loss")
    return None if torch.is_tensor(output) else getattr(output, "loss", None)


# ---- the graph of its loss

# Nodes that hand on what they are given, up to its shape and its type ...
_SAME = frozenset(
    f"{name}Backward{n}"
    for name in (
        "Alias AsStrided Clone Expand Index MaskedSelect Permute ReshapeAlias Select Slice "
        "Squeeze T ToCopy Transpose UnsafeView Unsqueeze View"
    ).split()
    for n in (0, 1, 2)
)
# ... and those between a criterion and the loss that is made of it.
_SUMS = frozenset(
    f"{name}Backward{n}"
    for name in "Add Cat Div Mean Mul Neg Stack Sub Sum".split()
    for n in (0, 1)
)
_LIKELIHOODS = frozenset({"NllLossBackward0", "NllLoss2DBackward0"})
_LOGITS = "BinaryCrossEntropyWithLogitsBackward0"
_ERRORS = frozenset({"MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0"})
_CRITERIA = _LIKELIHOODS | _ERRORS | {_LOGITS, "BinaryCrossEntropyBackward0", "LogSoftmaxBackward0"}
_BY_HAND = frozenset({"PowBackward0", "AbsBackward0"})  # of a difference

# Values of loss_input.
EXPECTED, SQUASHED, OF_EXAMPLES, CUT, OF_PAIRS = 0.0, 1.0, 2.0, 3.0, 4.0


def _before(node) -> Iterator:
    return (fn for fn, _ in node.next_functions if fn is not None)


def _behind_views(node):
    """The node that makes what this one hands on; None: nothing that has a gradient."""
    while node is not None and node.name() in _SAME:
        node = next(_before(node), None)
    return node


def _argument(node):
    return _behind_views(next(_before(node), None))


def _name(node) -> str:
    return "" if node is None else node.name()


def criteria_of(loss: Tensor) -> list:
    """The nodes of loss functions that a loss is a sum or a mean of."""
    found, waiting, seen = [], [loss.grad_fn], set()
    while waiting and len(seen) < 256:
        node = waiting.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        difference = node.name() in _BY_HAND and _name(_argument(node)) == "SubBackward0"
        if node.name() in _CRITERIA or difference:
            found.append(node)
        elif node.name() in _SUMS | _SAME:
            waiting += _before(node)
    return found


def _unscaled(node) -> tuple[Any, float]:
    """The node that others only multiply or divide by numbers, and what they multiply it by."""
    factor = 1.0
    while _name(node := _behind_views(node)) in ("DivBackward0", "MulBackward0"):
        (given, _), *_ = node.next_functions
        other = saved(node, "other")
        if given is None or other is None or other.numel() != 1:
            break
        factor = factor / float(other) if node.name() == "DivBackward0" else factor * float(other)
        node = given
    return node, factor


def is_error_made_larger(loss: Tensor, maximize: bool) -> bool:
    """Whether a loss is one criterion alone, and steps go up it.

    A binary cross-entropy does not count: adversaries make it larger on purpose.
    """
    node, factor = _unscaled(loss.grad_fn)
    negated = factor < 0
    if _name(node) == "NegBackward0":
        node, factor = _unscaled(_argument(node))
        negated = (factor < 0) == negated
    return _name(node) in _LIKELIHOODS | _ERRORS and negated != maximize


def _place_of(softmax) -> tuple[torch.Size, int] | None:
    """The shape of a softmax's result and the dimension that it goes over, if both are known."""
    shapes, dim = getattr(softmax, "_input_metadata", None), saved(softmax, "dim")
    if not shapes or dim is None or not len(shapes[0].shape):
        return None
    signed = dim - (1 << 64) if dim >= 1 << 63 else dim  # PyTorch shows it without its sign
    return shapes[0].shape, signed % len(shapes[0].shape)


def _is_of_examples(softmax) -> bool:
    """Whether a softmax goes over the first of several dimensions."""
    place = _place_of(softmax)
    return place is not None and len(place[0]) > 1 and place[1] == 0


def _of_logits(node) -> float:
    """What is given to a loss, or a softmax, that expects numbers of any size."""
    match _name(node):
        case "SoftmaxBackward0":
            return OF_EXAMPLES if _is_of_examples(node) else SQUASHED
        case "SigmoidBackward0":
            return SQUASHED
        case "ReluBackward0":
            return CUT
    return EXPECTED


def _of_probabilities(node) -> float:
    if _name(node) == "ReluBackward0":
        return CUT
    return OF_EXAMPLES if _name(node) == "SoftmaxBackward0" and _is_of_examples(node) else EXPECTED


def _of_log_softmax(node) -> float:
    return OF_EXAMPLES if _is_of_examples(node) else _of_logits(_argument(node))


def _of_logarithms(node) -> float:
    """What is given to a likelihood: the logarithms of probabilities."""
    if _name(node) == "LogSoftmaxBackward0":
        return _of_log_softmax(node)
    if _name(node) == "LogBackward0":
        return _of_probabilities(_argument(node))
    return _of_logits(node)


def _of_numbers(node, target: Tensor | None) -> float:
    """What is given to a regression: what the last unit cannot say counts where it is asked for."""
    if _name(node) == "ReluBackward0":
        return CUT if target is None or bool((target < 0).any()) else EXPECTED
    if _name(node) == "SigmoidBackward0" and target is not None:
        return CUT if bool(((target < 0) | (target > 1)).any()) else EXPECTED
    return OF_EXAMPLES if _name(node) == "SoftmaxBackward0" and _is_of_examples(node) else EXPECTED


def _shape_of(node) -> tuple[int, ...]:
    """Of a node's result; (): not known."""
    shapes = getattr(node, "_input_metadata", None)
    return tuple(shapes[0].shape) if shapes else ()


def _is_of_pairs(difference) -> bool:
    """Whether n predictions stand beside n targets each: [n, 1] beside [n] becomes [n, n]."""
    given = next(_before(difference), None)
    if given is None:
        return False
    whole = _shape_of(given) if given.name() == "ExpandBackward0" else _shape_of(difference)
    while given is not None and given.name() == "ExpandBackward0":
        given = next(_before(given), None)
    return len(whole) == 2 and whole[0] == whole[1] > 1 and math.prod(_shape_of(given)) == whole[0]


def loss_input_of(criterion) -> float:
    """What a criterion is given: a value of the fact loss_input."""
    name = criterion.name()
    if name in _LIKELIHOODS:
        return _of_logarithms(_argument(criterion))
    if name == "LogSoftmaxBackward0":
        return _of_log_softmax(criterion)
    if name == _LOGITS:
        return _of_logits(_argument(criterion))
    if name == "BinaryCrossEntropyBackward0":
        return _of_probabilities(_argument(criterion))
    if name in _BY_HAND:
        criterion = _argument(criterion)  # the difference
    if _is_of_pairs(criterion):
        return OF_PAIRS
    return _of_numbers(_argument(criterion), saved(criterion, "target"))


def saved(node, name: str):
    """Something that a node keeps for its backward pass; None: it has none, or it is gone."""
    try:
        return getattr(node, f"_saved_{name}", None)
    except RuntimeError:  # after backward()
        return None


def _asked(node) -> Tensor | None:
    """Which targets of a likelihood count; None: it does not keep them."""
    target = saved(node, "target")
    return None if target is None else target.detach() != saved(node, "ignore_index")


class Targets:
    """Targets of a loss's criterion, while it keeps them: what the best constant would cost."""

    LOOKS = 64
    LEAST = 32  # targets of which something is said
    MOST = 1 << 20  # numbers of a batch that are looked at
    MEAN, SUM = 1, 2  # the numbers of reduction="mean" and "sum"

    def __init__(self):
        """Nothing was seen yet."""
        self.looks = 0
        self.classes = 0
        self._kept = math.nan  # the least share of a batch's labels that count in a mean
        self._kind = ""
        self._number = 0  # of targets
        self._sums: Tensor | None = None  # counts of classes, or sums of columns
        self._squares: Tensor | None = None
        self._examples: list[Tensor] = []  # root mean squares of their targets

    def see(self, loss: Tensor, times: float = 1.0) -> None:
        """Looks at a loss that is a mean of one criterion, if told so many times, and no other."""
        node, factor = _unscaled(loss.grad_fn)
        self.looks += 1
        if node.name() in _LIKELIHOODS and saved(node, "reduction") == self.MEAN:
            self._see_masked(node)
        if not self._is_mean(node, factor * times) or saved(node, "weight") is not None:
            return
        name = node.name()
        if name in _LIKELIHOODS:
            self._see_classes(node)
        elif name in ("MseLossBackward0", _LOGITS):
            target = saved(node, "target")
            if target is not None and saved(node, "pos_weight") is None:
                self._see_columns(name, target)

    def _is_mean(self, node, factor: float) -> bool:
        """Whether a criterion times a factor is a mean over targets, or a batch's part of one."""
        reduction = saved(node, "reduction")
        if reduction == self.MEAN:
            return math.isclose(factor, 1, rel_tol=1e-3)
        if reduction != self.SUM or node.name() not in _LIKELIHOODS:
            return False
        asked = _asked(node)
        return (
            asked is not None and 0.5 < factor * int(asked.sum()) < 2
        )  # batches of one step have about as many each

    def _see_masked(self, node) -> None:
        asked = _asked(node)
        if asked is not None and asked.numel():
            self._kept = min(float(asked.double().mean()), self._kept)

    def _see_classes(self, node) -> None:
        scores = _argument(node)
        place = _place_of(scores) if _name(scores) == "LogSoftmaxBackward0" else None
        if place is not None:
            self.classes = place[0][place[1]]
        target = saved(node, "target")
        if target is None or not self.classes:
            return
        target = target.detach().flatten()
        target = target[: self.MOST]
        kept = target[target != saved(node, "ignore_index")].cpu()
        self._add("classes", len(kept), torch.bincount(kept, minlength=self.classes).double())

    def _see_columns(self, name: str, target: Tensor) -> None:
        if target.numel() > self.MOST:
            return
        rows = target.detach().double().cpu()
        rows = rows.flatten(1) if rows.dim() > 1 else rows[:, None]
        self._add(name, len(rows), rows.sum(0), rows.square().sum(0))
        self._examples.append(rows.square().mean(1).sqrt())

    def _add(self, kind: str, number: int, sums: Tensor, squares: Tensor | None = None) -> None:
        if self._sums is None or kind != self._kind or sums.shape != self._sums.shape:
            self._kind, self._number, self._examples = kind, 0, []
            self._sums, self._squares = torch.zeros_like(sums), torch.zeros_like(sums)
        self._number += number
        self._sums += sums
        if squares is not None:
            self._squares += squares

    def facts(self) -> Facts:
        """What they say of classes, masks, the best constant and a regression's size."""
        facts: Facts = {"classes": float(self.classes)} if self.classes > 1 else {}
        if not math.isnan(self._kept):
            facts["labels_kept"] = self._kept
        if self._number < self.LEAST:
            return facts
        mean = self._sums / self._number
        if self._kind == "classes":
            seen = int((mean > 0).sum())
            # A count of few targets shows less entropy than there is, by this on average.
            bias = (seen - 1) / (2 * self._number)
            facts["constant_loss"] = float(_entropies(mean).sum()) + bias
        elif self._kind == _LOGITS:
            facts["constant_loss"] = float((_entropies(mean) + _entropies(1 - mean)).mean())
        else:
            square = self._squares / self._number
            facts["constant_loss"] = float((square - mean * mean).mean())
            facts["target_size"] = math.sqrt(float(square.mean()))
            facts |= _peaks({"target_peak": torch.cat(self._examples)})
        return facts


def _entropies(p: Tensor) -> Tensor:
    return -torch.special.xlogy(p, p)
