"""Swish with a fixed beta, Ramachandran, Zoph and Le 2017 (arXiv:1710.05941), with a backward that keeps x alone."""

from typing import Any

import torch
from torch import Tensor


class _Swish(torch.autograd.Function):
    """Swish that saves its input and nothing else for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: float) -> Tensor:
        """Return x * sigmoid(beta * x), shape and dtype of x."""
        # region blank: keep what the backward needs, no more; compute in float32 or wider
        ctx.save_for_backward(x)
        ctx.beta = beta
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return (wide * torch.sigmoid(beta * wide)).to(x.dtype)
        # endregion

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, None]:
        """Return the gradients with respect to x and beta; beta is a constant."""
        # region blank: the hand-written backward, on what was kept
        (x,) = ctx.saved_tensors
        return swish_backward(grad_out, x, ctx.beta), None
        # endregion


def swish(x: Tensor, beta: float = 1.0) -> Tensor:
    """Return x * sigmoid(beta * x) of every entry.

    Args:
        x: float32, float16 or bfloat16, any shape.
        beta: any finite number; 1 is SiLU.
    Returns:
        Shape and dtype of x; its graph keeps x and no other tensor of that size.
    """
    # region blank: make autograd use your own backward
    return _Swish.apply(x, beta)
    # endregion


def swish_backward(grad_out: Tensor, x: Tensor, beta: float = 1.0) -> Tensor:
    """Return the gradient of a loss with respect to x.

    Args:
        grad_out: the gradient with respect to swish(x, beta), shape and dtype of x.
        x: the input of the forward pass.
        beta: that of the forward pass.
    Returns:
        Shape and dtype of x.
    """
    # region blank: product rule, with the sigmoid computed again; in float32 or wider
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    gate = torch.sigmoid(beta * wide)
    return (grad_out * gate * (1 + beta * wide * (1 - gate))).to(x.dtype)
    # endregion
