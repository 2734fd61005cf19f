"""Softmax and log-softmax that are stable for logits of any size.

Source: Goodfellow, Bengio, Courville, Deep Learning, section 4.1.
"""

import torch
from torch import Tensor


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return exp(x) normalised to sum to one along dim.

    Args:
        x: float32, float16 or bfloat16, any shape, () too.
        dim: the dimension to normalise.
    Returns:
        Shape and dtype of x.
    """
    # region blank: logits in float32 or wider, shifted so that the largest along dim is 0
    logits = x.to(torch.promote_types(x.dtype, torch.float32))
    logits = logits - logits.amax(dim, keepdim=True)
    # endregion
    # region blank: exponentiate, normalise along dim, cast back
    weights = logits.exp()
    return (weights / weights.sum(dim, keepdim=True)).to(x.dtype)
    # endregion


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return the logarithm of softmax(x) along dim, exact also where the probability underflows.

    Args:
        x: float32, float16 or bfloat16, any shape, () too.
        dim: the dimension to normalise.
    Returns:
        Shape and dtype of x.
    """
    # region blank: shift as above, then subtract the log of the sum of exponentials; cast back
    shifted = x.to(torch.promote_types(x.dtype, torch.float32))
    shifted = shifted - shifted.amax(dim, keepdim=True)
    return (shifted - shifted.exp().sum(dim, keepdim=True).log()).to(x.dtype)
    # endregion
