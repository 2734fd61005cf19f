# Generated from solutions/functions/gelu.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: gelu")
