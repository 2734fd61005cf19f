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
    # region blank: the angle that each pair turns per position, in float32
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32, device=position_ids.device) / head_dim
    inv_freq = theta**-exponents  # (D / 2,)
    # endregion
    # region blank: the angles of every position, laid out for both halves of a head
    angles = position_ids.unsqueeze(-1).float() * inv_freq  # (B, T, D / 2)
    angles = torch.cat((angles, angles), dim=-1)  # (B, T, D)
    # endregion
    # region blank: cosine and sine, rounded to dtype last
    return angles.cos().to(dtype), angles.sin().to(dtype)
    # endregion


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return x, (B, heads, T, D), with each pair of features turned by its angle."""
    # region blank: turn pair (i, i + D / 2); answer in the dtype of x
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    first, second = wide.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)  # a quarter turn of every pair
    return (wide * cos + turned * sin).to(x.dtype)
    # endregion


def apply_rope(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Return queries and keys, each pair of features turned by the angle of its position.

    Args:
        q: (B, H, T, D).
        k: (B, G, T, D).
        cos, sin: (B or 1, T, D), from rope_cos_sin.
    Returns:
        q and k, rotated, in the shape and dtype that they came in.
    """
    # region blank: one angle for all heads; rotate queries and keys alike
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)  # (B, 1, T, D)
    return _rotate(q, cos, sin), _rotate(k, cos, sin)
    # endregion
