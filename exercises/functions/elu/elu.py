# Generated from solutions/functions/elu.py; do not edit. thinkllm dev render
"""Exponential linear unit, Clevert, Unterthiner and Hochreiter 2015 (arXiv:1511.07289), section 3."""

import torch
from torch import Tensor


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x where it is positive, alpha * (exp(x) - 1) elsewhere; autograd finds alpha at x = 0.

    Args:
        x: float32, float16 or bfloat16, any shape.
        alpha: positive; -alpha is what very negative entries saturate to.
    Returns:
        Shape and dtype of x.
    """
    raise NotImplementedError("blank 1: elu")


def elu_backward(grad_out: Tensor, y: Tensor, alpha: float = 1.0) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to y, shape and dtype of y.
        y: elu(x, alpha), as the forward pass returned it.
        alpha: that of the forward pass.
    Returns:
        Shape and dtype of y.
    """
    raise NotImplementedError("blank 2: elu_backward")
