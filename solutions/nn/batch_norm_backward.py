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
    # region blank: statistics of each channel, over the batch and all positions, in float32 or wider
    wide = x.movedim(1, -1).to(torch.promote_types(x.dtype, torch.float32))  # (N, …, C)
    dims = tuple(range(x.dim() - 1))
    mean = wide.mean(dims)
    rstd = torch.rsqrt(wide.var(dims, correction=0) + eps)
    # endregion
    # region blank: normalise, scale and shift each channel
    out = (wide - mean) * rstd * weight + bias
    return out.movedim(-1, 1).to(x.dtype), mean, rstd
    # endregion


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
    # region blank: the normalised x once more, and grad_out, in float32 or wider, channels last
    x_hat = (x.movedim(1, -1) - mean) * rstd  # (N, …, C)
    grad = grad_out.movedim(1, -1).to(x_hat.dtype)
    # endregion
    # region blank: the parameters of each channel
    dims = tuple(range(x.dim() - 1))
    grad_weight = (grad * x_hat).sum(dims)
    grad_bias = grad.sum(dims)
    # endregion
    # region blank: x, in training also through the mean and the standard deviation of its channel
    if training:
        grad = grad - grad.mean(dims) - x_hat * (grad * x_hat).mean(dims)
    grad = grad * weight * rstd
    # endregion
    return grad.movedim(-1, 1).to(x.dtype), grad_weight, grad_bias
