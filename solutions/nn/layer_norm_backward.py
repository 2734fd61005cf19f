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
    # region blank: mean and reciprocal standard deviation of each row, in float32 or wider
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    mean = wide.mean(-1)
    rstd = torch.rsqrt(wide.var(-1, correction=0) + eps)
    # endregion
    # region blank: normalise, scale and shift
    x_hat = (wide - mean[:, None]) * rstd[:, None]
    return (x_hat * weight + bias).to(x.dtype), mean, rstd
    # endregion


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
    dtype = x.dtype
    # region blank: the normalised rows once more, and grad_out, in float32 or wider
    x_hat = (x - mean[:, None]) * rstd[:, None]
    grad = grad_out.to(x_hat.dtype)
    # endregion
    # region blank: the parameters, which all rows share
    grad_weight = (grad * x_hat).sum(0)
    grad_bias = grad.sum(0)
    # endregion
    # region blank: x, which acts directly, through the mean and through the standard deviation of its row
    g = grad * weight  # the gradient with respect to x_hat
    g = g - g.mean(-1, keepdim=True) - x_hat * (g * x_hat).mean(-1, keepdim=True)
    # endregion
    return (g * rstd[:, None]).to(dtype), grad_weight.to(dtype), grad_bias.to(dtype)
