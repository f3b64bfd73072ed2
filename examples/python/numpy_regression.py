# SPDX-License-Identifier: Apache-2.0
"""Fits a line with NumPy alone: gradients of our own, the step and its schedule from Ravine."""

import numpy as np
import ravine

random = np.random.default_rng(0)
x = random.standard_normal((256, 3))
y = x @ [1.0, -2.0, 0.5] + 3 + 0.1 * random.standard_normal(256)

weights, bias = np.zeros(3), np.zeros(())
optimizer = ravine.Optimizer("adamw weight_decay=0", {"weights": weights, "bias": bias})
optimizer.set("lr", "warmup(20) cosine(180) lr=0.1")

for step in range(200):
    error = x @ weights + bias - y
    gradients = {"weights": x.T @ error / len(x), "bias": error.mean(keepdims=True).reshape(())}
    stats = optimizer.step(gradients, stats=True)
    if step % 50 == 0 or step == 199:
        loss = (error**2).mean() / 2
        print(f"step {stats.step:3}  loss {loss:.4f}  lr {stats.lr:.4f}  |g| {stats.grad_norm:.4f}")

print("weights", weights.round(2), "bias", bias.round(2))
