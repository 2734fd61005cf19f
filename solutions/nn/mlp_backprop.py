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
    W1, b1, W2, b2 = (params[name] for name in ("W1", "b1", "W2", "b2"))
    rows = np.arange(len(y))
    # region blank: forward
    z = x @ W1 + b1  # (batch, d_hidden)
    h = np.maximum(z, 0)
    logits = h @ W2 + b2  # (batch, num_classes)
    # endregion
    # region blank: mean negative log-probability of the right classes, for logits of any size
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = float(-log_probs[rows, y].mean())
    # endregion
    # region blank: gradient of the loss with respect to the logits
    d_logits = np.exp(log_probs)
    d_logits[rows, y] -= 1
    d_logits /= len(y)
    # endregion
    # region blank: back through both layers
    d_z = (d_logits @ W2.T) * (z > 0)  # (batch, d_hidden)
    return loss, {"W1": x.T @ d_z, "b1": d_z.sum(axis=0), "W2": h.T @ d_logits, "b2": d_logits.sum(axis=0)}
    # endregion
