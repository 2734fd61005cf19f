# Generated from solutions/ml/logistic_regression.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: predict_proba")


def loss_and_grad(w: Array, b: float, x: Array, y: NDArray[np.int64], l2: float = 0.0) -> tuple[float, Array, float]:
    """Return the mean cross-entropy plus l2 / 2 · ‖w‖², and its gradient.

    Args:
        w: (d,); b: a float.
        x: (n, d); y: (n,), 0 or 1.
        l2: strength of the penalty, which leaves the bias out.
    Returns:
        loss: a float; dw: (d,); db: a float.
    """
    raise NotImplementedError("blank 2: loss_and_grad")


def fit(x: Array, y: NDArray[np.int64], lr: float, steps: int, l2: float = 0.0) -> tuple[Array, float]:
    """Return weights and bias after gradient descent from zero.

    Args:
        x: (n, d); y: (n,), 0 or 1.
        lr: step size.
        steps: updates of w and b together, each by the gradient over all samples.
        l2: strength of the penalty.
    """
    raise NotImplementedError("blank 3: fit")
