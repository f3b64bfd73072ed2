# SPDX-License-Identifier: Apache-2.0
"""Data for small trainings, and what is asked of each framework's callback."""

import torch

# What a training with far too high a learning rate may be called, and with one that is too low.
TOO_HIGH = {"warmup_needed", "diverging", "bouncing"}
TOO_LOW = {"crawling", "update_lost", "lr_zero"}


def same_bits(a, b):
    """Are the tensors of two lists the same, bit for bit?"""
    return len(a) == len(b) > 0 and all(
        torch.equal(bits(x), bits(y)) for x, y in zip(a, b, strict=True)
    )


def bits(tensor):
    return tensor.detach().flatten().view(torch.uint8)


def table(examples, seed, inputs=8, classes=3):
    """Rows [examples, inputs] and the class of each, which a linear map decides."""
    truth = torch.randn(inputs, classes, generator=torch.Generator().manual_seed(5))
    rows = torch.randn(examples, inputs, generator=torch.Generator().manual_seed(seed))
    return rows, (rows @ truth).argmax(1)


def wants_other_lr(found, lower):
    """Does the first cure that changes lr change it in that direction?"""
    changes = [c for c in found.cures if c.old_value > 0 and "lr" in c.text]
    return bool(changes) and (changes[0].new_value < changes[0].old_value) == lower


def assert_untouched(optimizer, model):
    """No hook of a watch is left."""
    assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks
    assert not model._forward_pre_hooks
