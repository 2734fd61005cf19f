# Generated from solutions/nn/batch_norm_backward.py; do not edit. thinkllm dev render
"""The gradient of batch normalization by hand, Ioffe and Szegedy 2015 (arXiv:1502.03167), section 3.

Dimensions: N batch, C channels, then none or more positions (length; height and width).
"""

import torch
from torch import Tensor


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Return x with each channel normalised by the batch, and what the backward pass needs.

    Args:
        x: (N, C) or (N, C, …), float32, float16 or bfloat16.
        weight, bias: (C,), float32.
        eps: added to the variance.
    Returns:
        out: shape and dtype of x.
        mean, rstd: (C,), mean and reciprocal standard deviation of each channel, float32 or wider.
    """
    raise NotImplementedError("blank 1: batch_norm")


def batch_norm_backward(
    grad_out: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor, training: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of a loss with respect to x, weight and bias, by hand.

    Args:
        grad_out: like x, the gradient with respect to the output.
        x: (N, C) or (N, C, …).
        weight: (C,).
        mean, rstd: (C,), what x was normalised with.
        training: whether they were computed from x; else they are constants, as running averages are.
    Returns:
        grad_x: shape and dtype of x; grad_weight, grad_bias: (C,), float32 or wider.
    """
    raise NotImplementedError("blank 2: batch_norm_backward")
