# Generated from solutions/ml/linear_regression.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: fit_closed_form")


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
    raise NotImplementedError("blank 2: fit_gd")
