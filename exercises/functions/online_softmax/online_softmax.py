# Generated from solutions/functions/online_softmax.py; do not edit. thinkllm dev render
"""Softmax statistics of a row that arrives in blocks, and how two of them are merged.

Source: Milakov and Gimelshein 2018 (arXiv:1805.02867), section 3 and 3.1.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


def merge_stats(m1: Tensor, l1: Tensor, m2: Tensor, l2: Tensor) -> tuple[Tensor, Tensor]:
    """Return the statistics of two sets of logits together, from those of each.

    Args:
        m1, l1: of one shape; the maximum, and the sum of exp(x - m1). Of no logits, or of -inf only: -inf and 0.
        m2, l2: the same of the other set, of the same shape.
    Returns:
        m, l: of the same shape.
    """
    raise NotImplementedError("blank 1: merge_stats")


def online_softmax_stats(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return maximum and sum of exponentials of each row, in one pass over the blocks.

    Args:
        blocks: each (batch, block_size), the next columns of the same rows; sizes may differ. Gone through once.
    Returns:
        m, l: each (batch,), float32 or wider; m + log l is the logsumexp of the row.
    """
    raise NotImplementedError("blank 2: online_softmax_stats")
