# Generated from solutions/attention/flash_attention.py; do not edit. thinkllm dev render
"""FlashAttention forward in plain PyTorch: tiles with an online softmax, so that no score matrix is ever whole.

Sources: Dao et al. 2022 (arXiv:2205.14135), section 3.1; Dao 2023 (arXiv:2307.08691), section 3.1 (the order of loops).
Dimensions: B batch, H heads, T queries, S keys, D head size.
"""

import math

import torch
from torch import Tensor


def flash_attention(
    q: Tensor, k: Tensor, v: Tensor, block_q: int, block_k: int, is_causal: bool = False
) -> tuple[Tensor, Tensor]:
    """Return attention and the logarithm of its normalisers, computed tile by tile.

    Args:
        q: (B, H, T, D).
        k, v: (B, H, S, D).
        block_q, block_k: queries and keys of a tile; the last tile may be smaller.
        is_causal: forbid attention to later positions; the last query and the last key are one position.
    Returns:
        out: (B, H, T, D) in the dtype of q; zeros for a query without keys.
        lse: (B, H, T), float32 or wider, log Σ exp(score) of every query; -inf for a query without keys.
    """
    raise NotImplementedError("blank 1: flash_attention")
