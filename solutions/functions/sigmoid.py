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
    # region blank: an exponential that never overflows; in float32 or wider
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    positive = wide >= 0
    z = torch.where(positive, -wide, wide).exp()  # exp(-|x|), at most 1
    # endregion
    # region blank: the sigmoid made of it, for either sign; cast back
    return (torch.where(positive, 1.0, z) / (1 + z)).to(x.dtype)
    # endregion


def sigmoid_backward(grad_out: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to y, shape and dtype of y.
        y: sigmoid(x), as the forward pass returned it.
    Returns:
        Shape and dtype of y.
    """
    # region blank: the derivative in terms of y, times what comes from above
    wide = y.to(torch.promote_types(y.dtype, torch.float32))
    return (grad_out * (wide * (1 - wide))).to(y.dtype)
    # endregion
