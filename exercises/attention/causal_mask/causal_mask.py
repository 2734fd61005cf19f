# Generated from solutions/attention/causal_mask.py; do not edit. thinkllm dev render
"""Attention masks of a decoder: causality, padding, a sliding window.

Sources: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.3; Beltagy et al. 2020 (arXiv:2004.05150), section 3.1.
Dimensions: B batch, T queries, S keys.
"""

import torch
from torch import Tensor


def make_mask(attention_mask: Tensor, q_len: int, causal: bool = True, window: int | None = None) -> Tensor:
    """Return which keys each query may attend to.

    Args:
        attention_mask: (B, S) int64 or bool, 1 at real tokens, 0 at padding; of past and new tokens together.
        q_len: T, the number of queries; they stand at the last T of the S positions.
        causal: whether later positions are forbidden.
        window: only positions less than this away are allowed; None for any distance.
    Returns:
        (B, 1, T, S) bool, True where attention is allowed.
    """
    raise NotImplementedError("blank 1: make_mask")


def mask_to_bias(mask: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return what is added to the scores so that they obey the mask.

    Args:
        mask: bool, any shape, True where attention is allowed.
        dtype: of the scores: float32, bfloat16 or float16.
    Returns:
        The shape of mask, in dtype: 0 where attention is allowed, elsewhere the lowest finite number of dtype.
    """
    raise NotImplementedError("blank 2: mask_to_bias")
