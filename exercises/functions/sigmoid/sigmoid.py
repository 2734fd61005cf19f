# Generated from solutions/functions/sigmoid.py; do not edit. thinkllm dev render
"""Sigmoid without overflow, and its gradient from its own output.

Source: torch.nn.Sigmoid, https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
"""

import torch
from torch import Tensor


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)) of every entry.

    Args:
        x: float32, float16 or bfloat16, any shape.
    Returns:
        Shape and dtype of x.
    """
    raise NotImplementedError("blank 1: sigmoid")


def sigmoid_backward(grad_out: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to y, shape and dtype of y.
        y: sigmoid(x), as the forward pass returned it.
    Returns:
        Shape and dtype of y.
    """
    raise NotImplementedError("blank 2: sigmoid_backward")
