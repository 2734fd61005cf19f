# Generated from solutions/nn/layer_norm_backward.py; do not edit. thinkllm dev render
"""Layer normalization, Ba, Kiros and Hinton 2016 (arXiv:1607.06450), section 3, and its gradient by hand.

Dimensions: N rows, D features of a row.
"""

import torch
from torch import Tensor


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Return the normalised rows, and what the backward pass needs of them.

    Args:
        x: (N, D), float32, float16 or bfloat16.
        weight, bias: (D,), in the dtype of x.
        eps: added to the variance.
    Returns:
        out: (N, D), in the dtype of x.
        mean, rstd: (N,), mean and reciprocal standard deviation of each row, float32 or wider.
    """
    raise NotImplementedError("blank 1: layer_norm")


def layer_norm_backward(
    grad_out: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of a loss with respect to the arguments of layer_norm, by hand.

    Args:
        grad_out: (N, D), the gradient with respect to out.
        x: (N, D).
        weight: (D,).
        mean, rstd: (N,), as layer_norm returned them.
    Returns:
        grad_x: (N, D); grad_weight, grad_bias: (D,); all in the dtype of x.
    """
    raise NotImplementedError("blank 2: layer_norm_backward")
