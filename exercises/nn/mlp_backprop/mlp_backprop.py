# Generated from solutions/nn/mlp_backprop.py; do not edit. thinkllm dev render
"""Backpropagation through a two-layer network by hand, in NumPy.

Source: CS231n, backpropagation and the minimal neural network case study.
"""

import numpy as np


def mlp_forward_backward(
    x: np.ndarray, y: np.ndarray, params: dict[str, np.ndarray]
) -> tuple[float, dict[str, np.ndarray]]:
    """Return the mean cross-entropy of softmax(relu(x·W1 + b1)·W2 + b2) and its gradient.

    Args:
        x: (batch, d_in) float32.
        y: (batch,) int64, the class of each example.
        params: W1 (d_in, d_hidden), b1 (d_hidden,), W2 (d_hidden, num_classes), b2 (num_classes,), float32.
    Returns:
        The loss, and a gradient of the shape and dtype of each parameter, by the same names.
    """
    raise NotImplementedError("blank 1: mlp_forward_backward")
