# Generated from solutions/attention/sdpa.py; do not edit. thinkllm dev render
"""Scaled dot-product attention, Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.1.

Dimensions: B batch, H heads, T queries, S keys, D head size, V value size.
"""

import math

import torch
from torch import Tensor


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, is_causal: bool = False, scale: float | None = None
) -> Tensor:
    """Return the values, averaged for each query by how well it matches the keys.

    Args:
        q: (B, H, T, D).
        k: (B, H, S, D).
        v: (B, H, S, V).
        mask: bool, broadcasts to (B, H, T, S), True where attention is allowed.
        is_causal: also forbid attention to later positions; the last query and the last key are one position.
        scale: factor of the scores; None for 1 / sqrt(D).
    Returns:
        (B, H, T, V) in the dtype of q; zeros for a query that may attend to nothing.
    """
    raise NotImplementedError("blank 1: scaled_dot_product_attention")
