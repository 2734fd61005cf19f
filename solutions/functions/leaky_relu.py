"""Leaky ReLU and its subgradient, Maas, Hannun and Ng 2013.

Source: torch.nn.LeakyReLU, https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
"""

import torch
from torch import Tensor


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Return x where it is positive, negative_slope * x elsewhere; autograd finds negative_slope at x = 0.

    Args:
        x: float32, float16 or bfloat16, any shape.
        negative_slope: any finite number, also above 1, 0 or below 0.
    Returns:
        Shape and dtype of x.
    """
    # region blank: choose by the sign of x, in the dtype of x
    return torch.where(x > 0, x, negative_slope * x)
    # endregion


def leaky_relu_backward(grad_out: Tensor, x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to leaky_relu(x), shape and dtype of x.
        x: the input of the forward pass.
        negative_slope: that of the forward pass.
    Returns:
        Shape and dtype of x.
    """
    # region blank: what comes from above, scaled where x is not positive
    return torch.where(x > 0, grad_out, negative_slope * grad_out)
    # endregion
