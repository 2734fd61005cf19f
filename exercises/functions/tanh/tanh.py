# Generated from solutions/functions/tanh.py; do not edit. thinkllm dev render
"""Hyperbolic tangent that neither overflows nor loses small inputs, and its gradient from its own output.

Source: torch.nn.Tanh, https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html
"""

import torch
from torch import Tensor


def tanh(x: Tensor) -> Tensor:
    """Return (exp(x) - exp(-x)) / (exp(x) + exp(-x)) of every entry.

    Args:
        x: float32, float16 or bfloat16, any shape.
    Returns:
        Shape and dtype of x.
    """
    raise NotImplementedError("blank 1: tanh")


def tanh_backward(grad_out: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to y, shape and dtype of y.
        y: tanh(x), as the forward pass returned it.
    Returns:
        Shape and dtype of y.
    """
    raise NotImplementedError("blank 2: tanh_backward")
