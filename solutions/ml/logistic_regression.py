"""Logistic regression with an L2 penalty: probabilities, loss and gradient that never overflow, gradient descent.

Source: https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression
Dimensions: n samples, d features.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def predict_proba(x: Array, w: Array, b: float) -> Array:
    """Return the probability of class 1 for each sample.

    Args:
        x: (n, d); w: (d,); b: a float.
    Returns:
        (n,)
    """
    z = x @ w + b
    # region blank: the sigmoid, by an exponential that cannot overflow
    small = np.exp(-np.abs(z))  # at most 1
    return np.where(z >= 0, 1.0, small) / (1 + small)
    # endregion


def loss_and_grad(w: Array, b: float, x: Array, y: NDArray[np.int64], l2: float = 0.0) -> tuple[float, Array, float]:
    """Return the mean cross-entropy plus l2 / 2 · ‖w‖², and its gradient.

    Args:
        w: (d,); b: a float.
        x: (n, d); y: (n,), 0 or 1.
        l2: strength of the penalty, which leaves the bias out.
    Returns:
        loss: a float; dw: (d,); db: a float.
    """
    # region blank: the loss from the logits, without a probability that may be 0
    z = x @ w + b
    losses = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    loss = losses.mean() + l2 / 2 * w @ w
    # endregion
    # region blank: the gradient
    residual = predict_proba(x, w, b) - y
    return float(loss), x.T @ residual / len(y) + l2 * w, float(residual.mean())
    # endregion


def fit(x: Array, y: NDArray[np.int64], lr: float, steps: int, l2: float = 0.0) -> tuple[Array, float]:
    """Return weights and bias after gradient descent from zero.

    Args:
        x: (n, d); y: (n,), 0 or 1.
        lr: step size.
        steps: updates of w and b together, each by the gradient over all samples.
        l2: strength of the penalty.
    """
    # region blank: start at zero; follow the gradient
    w, b = np.zeros(x.shape[1]), 0.0
    for _ in range(steps):
        _, dw, db = loss_and_grad(w, b, x, y, l2)
        w, b = w - lr * dw, b - lr * db
    return w, b
    # endregion
