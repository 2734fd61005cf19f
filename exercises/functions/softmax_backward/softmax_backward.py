# Generated from solutions/functions/softmax_backward.py; do not edit. thinkllm dev render
"""Backward passes of softmax and log-softmax as vector–Jacobian products, from what the forward pass returned.

Source: Dao et al. 2022 (arXiv:2205.14135), appendix B.2.
"""

import torch
from torch import Tensor


def softmax_backward(grad_out: Tensor, y: Tensor, dim: int = -1) -> Tensor:
    """Return the gradient of the logits x, where y = softmax(x) along dim.

    Args:
        grad_out: the gradient of y, of its shape and dtype.
        y: float32, float16 or bfloat16, at least one dimension.
        dim: the dimension that the softmax normalised.
    Returns:
        Shape and dtype of y.
    """
    raise NotImplementedError("blank 1: softmax_backward")


def log_softmax_backward(grad_out: Tensor, log_y: Tensor, dim: int = -1) -> Tensor:
    """Return the gradient of the logits x, where log_y = log_softmax(x) along dim.

    Args:
        grad_out: the gradient of log_y, of its shape and dtype.
        log_y: float32, float16 or bfloat16, at least one dimension.
        dim: the dimension that the log-softmax normalised.
    Returns:
        Shape and dtype of log_y.
    """
    raise NotImplementedError("blank 2: log_softmax_backward")
