# SPDX-License-Identifier: Apache-2.0
"""A script for Keras 3 on PyTorch, as it was but for the two lines that are marked.

Needs keras and torch: pip install ravine keras torch.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from ravine.integrations.keras import RavineCallback  # added


def table(examples, seed):
    """Rows, and the class that a linear map gives them; one number is missing."""
    x = np.random.default_rng(seed).normal(size=(examples, 8)).astype("float32")
    y = (x @ np.random.default_rng(5).normal(size=(8, 3))).argmax(1)
    x[700, 3] = np.nan  # nobody looked
    return x, y


keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((8,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = table(2000, 1)
model.fit(x, y, epochs=5, verbose=2, callbacks=[RavineCallback(stop_on="urgent")])  # added
