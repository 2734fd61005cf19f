# Generated from solutions/functions/swish.py; do not edit. thinkllm dev render
"""Swish with a fixed beta, Ramachandran, Zoph and Le 2017 (arXiv:1710.05941), with a backward that keeps x alone."""

from typing import Any

import torch
from torch import Tensor


def swish(x: Tensor, beta: float = 1.0) -> Tensor:
    """Return x * sigmoid(beta * x) of every entry.

    Args:
        x: float32, float16 or bfloat16, any shape.
        beta: any finite number; 1 is SiLU.
    Returns:
        Shape and dtype of x; its graph keeps x and no other tensor of that size.
    """
    raise NotImplementedError("blank 1: swish")


def swish_backward(grad_out: Tensor, x: Tensor, beta: float = 1.0) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to swish(x, beta), shape and dtype of x.
        x: the input of the forward pass.
        beta: that of the forward pass.
    Returns:
        Shape and dtype of x.
    """
    raise NotImplementedError("blank 2: swish_backward")
