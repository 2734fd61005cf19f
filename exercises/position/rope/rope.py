# Generated from solutions/position/rope.py; do not edit. thinkllm dev render
"""Rotary position embedding, Su et al. 2021 (arXiv:2104.09864), sections 3.2 and 3.4.2, in the half-split layout.

Feature i of a head is paired with feature i + D / 2, as in the Llama of Hugging Face; the paper pairs 2i with 2i + 1.
Dimensions: B batch, H query heads, G key/value heads, T sequence, D head size.
"""

import torch
from torch import Tensor


def rope_cos_sin(
    position_ids: Tensor, head_dim: int, theta: float = 10000.0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines of the rotation angles of every position.

    Args:
        position_ids: (B, T) int64, the position of each token.
        head_dim: D, even.
        theta: base of the frequencies; pair i turns by theta ** (-2i / D) per position.
        dtype: of the result; the angles are float32 or wider, whatever it is.
    Returns:
        cos, sin: (B, T, D); the angle of pair i stands at i and again at i + D / 2.
    """
    raise NotImplementedError("blank 1: rope_cos_sin")


def apply_rope(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Return queries and keys, each pair of features turned by the angle of its position.

    Args:
        q: (B, H, T, D).
        k: (B, G, T, D).
        cos, sin: (B or 1, T, D), from rope_cos_sin.
    Returns:
        q and k, rotated, in the shape and dtype that they came in.
    """
    raise NotImplementedError("blank 2: apply_rope")
