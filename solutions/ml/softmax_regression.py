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
    samples = np.arange(len(y))
    # region blank: the log-probabilities, stable for any logits
    z = x @ w + b  # (n, C)
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    # endregion
    # region blank: the loss
    loss = -log_p[samples, y].mean() + l2 / 2 * np.sum(w**2)
    # endregion
    # region blank: the gradient of each logit, and what follows for w and b
    dz = np.exp(log_p)
    dz[samples, y] -= 1
    dz /= len(y)
    return float(loss), x.T @ dz + l2 * w, dz.sum(axis=0)
    # endregion


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
    # region blank: start at zero; follow the gradient
    w, b = np.zeros((x.shape[1], num_classes)), np.zeros(num_classes)
    for _ in range(steps):
        _, dw, db = loss_and_grad(w, b, x, y, l2)
        w, b = w - lr * dw, b - lr * db
    return w, b
    # endregion


def predict(x: Array, w: Array, b: Array) -> Labels:
    """Return the most probable class of each sample, of equals the smallest.

    Args:
        x: (n, d); w: (d, C); b: (C,).
    Returns:
        (n,) int64
    """
    # region blank: the class with the largest logit
    return np.argmax(x @ w + b, axis=1)
    # endregion
