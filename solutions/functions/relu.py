"""Rectified linear unit and its subgradient, Nair and Hinton 2010.

Source: torch.nn.ReLU, https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
"""

import torch
from torch import Tensor


def relu(x: Tensor) -> Tensor:
    """Return max(x, 0) of every entry; autograd finds the gradient 0 at x = 0.

    Args:
        x: float32, float16 or bfloat16, any shape.
    Returns:
        Shape and dtype of x.
    """
    # region blank: 0 where x is not positive, and x elsewhere, NaN included
    return torch.where(x <= 0, 0.0, x)
    # endregion


def relu_backward(grad_out: Tensor, x: Tensor) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to relu(x), shape and dtype of x.
        x: the input of the forward pass.
    Returns:
        Shape and dtype of x.
    """
    # region blank: what comes from above, where x let it pass
    return torch.where(x <= 0, 0.0, grad_out)
    # endregion
