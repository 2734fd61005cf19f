# Generated from solutions/ml/softmax_regression.py; do not edit. thinkllm dev render
"""Softmax regression with an L2 penalty: loss and gradient by hand, gradient descent, prediction.

Source: https://d2l.ai/chapter_linear-classification/softmax-regression.html
Dimensions: n samples, d features, C classes.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def loss_and_grad(w: Array, b: Array, x: Array, y: Labels, l2: float = 0.0) -> tuple[float, Array, Array]:
    """Return the mean cross-entropy plus l2 / 2 · ‖w‖², and its gradient.

    Args:
        w: (d, C); b: (C,).
        x: (n, d); y: (n,), classes 0 … C - 1.
        l2: strength of the penalty, which leaves the biases out.
    Returns:
        loss: a float; dw: (d, C); db: (C,).
    """
    raise NotImplementedError("blank 1: loss_and_grad")


def fit(x: Array, y: Labels, num_classes: int, lr: float, steps: int, l2: float = 0.0) -> tuple[Array, Array]:
    """Return weights and biases after gradient descent from zero.

    Args:
        x: (n, d); y: (n,), classes 0 … num_classes - 1, not all of which need occur.
        num_classes: C.
        lr: step size.
        steps: updates of w and b together, each by the gradient over all samples.
        l2: strength of the penalty.
    Returns:
        w: (d, C); b: (C,).
    """
    raise NotImplementedError("blank 2: fit")


def predict(x: Array, w: Array, b: Array) -> Labels:
    """Return the most probable class of each sample, of equals the smallest.

    Args:
        x: (n, d); w: (d, C); b: (C,).
    Returns:
        (n,) int64
    """
    raise NotImplementedError("blank 3: predict")
