# Generated from solutions/position/sinusoidal_pe.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: sinusoidal_pe")
