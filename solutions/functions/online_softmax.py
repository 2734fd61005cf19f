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
    # region blank: the common maximum, and a finite number to subtract where there is none
    m = torch.maximum(m1, m2)
    shift = m.masked_fill(m == -torch.inf, 0.0)  # -inf - (-inf) would be NaN
    # endregion
    # region blank: both sums brought to the common maximum, and added
    return m, l1 * (m1 - shift).exp() + l2 * (m2 - shift).exp()
    # endregion


def online_softmax_stats(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return maximum and sum of exponentials of each row, in one pass over the blocks.

    Args:
        blocks: each (batch, block_size), the next columns of the same rows; sizes may differ. Gone through once.
    Returns:
        m, l: each (batch,), float32 or wider; m + log l is the logsumexp of the row.
    """
    # region blank: statistics of no logits at all
    m, total = torch.tensor(-torch.inf), torch.tensor(0.0)
    # endregion
    for block in blocks:
        # region blank: statistics of the block alone, in float32 or wider
        logits = block.to(torch.promote_types(block.dtype, torch.float32))
        block_m = logits.amax(dim=-1)  # (batch,)
        shift = block_m.masked_fill(block_m == -torch.inf, 0.0)
        block_l = (logits - shift.unsqueeze(-1)).exp().sum(dim=-1)
        # endregion
        m, total = merge_stats(m, total, block_m, block_l)
    return m, total
