"""Linear regression with an L2 penalty: the minimum by least squares, and the way to it by gradient descent.

Source: https://scikit-learn.org/stable/modules/linear_model.html, ordinary least squares and ridge regression.
Dimensions: n samples, d features.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def fit_closed_form(x: Array, y: Array, l2: float = 0.0) -> tuple[Array, float]:
    """Return weights and bias that minimise mean((x @ w + b - y)²) + l2 · ‖w‖².

    Args:
        x: (n, d).
        y: (n,).
        l2: strength of the penalty, which leaves the bias out.
    Returns:
        w: (d,), the shortest one if several are minimal.
        b: a float.
    """
    n, d = x.shape
    # region blank: take the bias out of the problem
    x_mean, y_mean = x.mean(axis=0), y.mean()
    # endregion
    # region blank: the penalty as d more samples; solve by least squares, which minds no lost rank
    rows = np.concatenate([x - x_mean, np.sqrt(n * l2) * np.eye(d)])  # (n + d, d)
    targets = np.concatenate([y - y_mean, np.zeros(d)])
    w = np.linalg.lstsq(rows, targets, rcond=None)[0]
    # endregion
    # region blank: the bias that belongs to these weights
    return w, float(y_mean - x_mean @ w)
    # endregion


def fit_gd(x: Array, y: Array, lr: float, steps: int, l2: float = 0.0) -> tuple[Array, float, list[float]]:
    """Return weights and bias after gradient descent from zero on the same objective, and its value before each step.

    Args:
        x: (n, d).
        y: (n,).
        lr: step size.
        steps: updates of w and b together, each by the gradient over all samples.
        l2: strength of the penalty, which leaves the bias out.
    Returns:
        w: (d,); b: a float; losses: `steps` floats.
    """
    w, b = np.zeros(x.shape[1]), 0.0
    losses: list[float] = []
    for _ in range(steps):
        # region blank: how far off the predictions are, and the objective
        residual = x @ w + b - y  # (n,)
        losses.append(float(np.mean(residual**2) + l2 * w @ w))
        # endregion
        # region blank: one step down both gradients
        w = w - lr * (2 * x.T @ residual / len(y) + 2 * l2 * w)
        b = b - lr * 2 * float(residual.mean())
        # endregion
    return w, b, losses
