"""Backward passes of softmax and log-softmax as vector–Jacobian products, from what the forward pass returned.

Source: Dao et al. 2022 (arXiv:2205.14135), appendix B.2.
"""

import torch
from torch import Tensor


def softmax_backward(grad_out: Tensor, y: Tensor, dim: int = -1) -> Tensor:
    """Return the gradient of the logits x, where y = softmax(x) along dim.

    Args:
        grad_out: the gradient of y, of its shape and dtype.
        y: float32, float16 or bfloat16, at least one dimension.
        dim: the dimension that the softmax normalised.
    Returns:
        Shape and dtype of y.
    """
    # region blank: in float32 or wider, the Jacobian diag(y) − y yᵀ applied to grad_out without being built
    probs = y.to(torch.promote_types(y.dtype, torch.float32))
    weighted = grad_out * probs
    return (weighted - probs * weighted.sum(dim, keepdim=True)).to(y.dtype)
    # endregion


def log_softmax_backward(grad_out: Tensor, log_y: Tensor, dim: int = -1) -> Tensor:
    """Return the gradient of the logits x, where log_y = log_softmax(x) along dim.

    Args:
        grad_out: the gradient of log_y, of its shape and dtype.
        log_y: float32, float16 or bfloat16, at least one dimension.
        dim: the dimension that the log-softmax normalised.
    Returns:
        Shape and dtype of log_y.
    """
    # region blank: likewise with the Jacobian of log-softmax, I − 1 softmax(x)ᵀ; its transpose is what is applied
    grad = grad_out.to(torch.promote_types(log_y.dtype, torch.float32))
    probs = log_y.to(grad.dtype).exp()
    return (grad - probs * grad.sum(dim, keepdim=True)).to(log_y.dtype)
    # endregion
