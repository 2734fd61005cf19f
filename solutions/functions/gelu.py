"""Gaussian error linear unit, Hendrycks and Gimpel 2016 (arXiv:1606.08415), section 2, exact and by tanh."""

import math

import torch
from torch import Tensor


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """Return x times the probability that a standard normal variable is below x, for every entry.

    Args:
        x: float32, float16 or bfloat16, any shape.
        approximate: "none" for the exact function, "tanh" for the approximation of GPT-2.
    Returns:
        Shape and dtype of x.
    Raises:
        ValueError: approximate is something else.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    if approximate == "none":
        # region blank: the probability, exactly
        probability = 0.5 * torch.erfc(-wide / math.sqrt(2))  # no cancellation for negative x
        # endregion
    elif approximate == "tanh":
        # region blank: the probability, by tanh of a cubic polynomial
        inner = math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)
        probability = 0.5 * (1 + torch.tanh(inner))
        # endregion
    else:
        raise ValueError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    # region blank: weigh x by it; cast back
    return (wide * probability).to(x.dtype)
    # endregion
