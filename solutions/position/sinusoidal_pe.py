"""Sinusoidal positional encoding, Vaswani et al. 2017 (arXiv:1706.03762), section 3.5."""

import torch
from torch import Tensor


def sinusoidal_pe(max_len: int, d_model: int, base: float = 10000.0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the table of sines (even columns) and cosines (odd columns) of positions 0 to max_len − 1.

    Args:
        max_len: number of positions.
        d_model: number of columns; if odd, the last sine has no cosine.
        base: columns 2i and 2i + 1 turn by base ** (−2i / d_model) per position.
        dtype: of the result; the angles are float32 or wider, whatever it is.
    Returns:
        (max_len, d_model).
    """
    # region blank: the angle by which each pair of columns turns per position
    exponents = torch.arange(0, d_model, 2) / d_model  # (⌈d_model / 2⌉,)
    frequencies = base**-exponents
    # endregion
    # region blank: the angle of every pair at every position
    angles = torch.arange(max_len).unsqueeze(1) * frequencies  # (max_len, ⌈d_model / 2⌉)
    # endregion
    # region blank: sines and cosines side by side; an odd d_model ends with a sine; rounded to dtype last
    table = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)  # sin, cos, sin, cos, …
    return table[:, :d_model].to(dtype)
    # endregion
