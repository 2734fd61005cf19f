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
    # region blank: an exponential branch that stays finite where it is not chosen; in float32 or wider
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    below = alpha * torch.expm1(wide.clamp(max=0.0))
    # endregion
    # region blank: choose by the sign of x; cast back
    return torch.where(wide > 0, wide, below).to(x.dtype)
    # endregion


def elu_backward(grad_out: Tensor, y: Tensor, alpha: float = 1.0) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to y, shape and dtype of y.
        y: elu(x, alpha), as the forward pass returned it.
        alpha: that of the forward pass.
    Returns:
        Shape and dtype of y.
    """
    # region blank: the derivative in terms of y, times what comes from above; in float32 or wider
    wide = y.to(torch.promote_types(y.dtype, torch.float32))
    return (grad_out * torch.where(wide > 0, 1.0, wide + alpha)).to(y.dtype)
    # endregion
