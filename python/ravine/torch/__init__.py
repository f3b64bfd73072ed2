"""PyTorch's optimizers, faster on CPU tensors: `ravine.torch.AdamW` for `torch.optim.AdamW`.

Needs PyTorch; docs/pytorch.md.
"""

from ravine.torch._optimizer import Optimizer
from ravine.torch._rules import SGD, Adam, AdamW

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
