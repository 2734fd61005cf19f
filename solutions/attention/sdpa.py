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
    T, S, D = q.shape[-2], k.shape[-2], q.shape[-1]
    wide = torch.promote_types(q.dtype, torch.float32)
    # region blank: the scaled score of every query with every key, in float32 or wider
    scale = 1 / math.sqrt(D) if scale is None else scale
    scores = q.to(wide) @ k.to(wide).mT * scale  # (B, H, T, S)
    # endregion
    # region blank: which keys each query may attend to
    allowed = torch.ones(T, S, dtype=torch.bool, device=q.device)
    if is_causal:
        allowed = allowed.tril(S - T)  # query t stands at position S - T + t
    if mask is not None:
        allowed = allowed & mask
    # endregion
    # region blank: softmax over the keys that are allowed, zeros where none is
    weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
    weights = weights.masked_fill(~allowed, 0.0)  # a row without any key came out NaN
    # endregion
    # region blank: weigh the values, answer in the dtype that came in
    return (weights @ v.to(wide)).to(q.dtype)
    # endregion
