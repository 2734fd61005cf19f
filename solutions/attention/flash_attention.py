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
    T, S = q.shape[-2], k.shape[-2]
    wide = torch.promote_types(q.dtype, torch.float32)
    out, lse = torch.empty_like(q), torch.empty_like(q[..., 0], dtype=wide)
    for start in range(0, T, block_q):
        rows = slice(start, start + block_q)
        # region blank: a tile of queries, and its running maximum, sum and output
        q_tile = q[:, :, rows].to(wide) / math.sqrt(q.shape[-1])  # (B, H, block_q, D)
        m = torch.full_like(q_tile[..., :1], -torch.inf)
        total = torch.zeros_like(m)
        acc = torch.zeros_like(q_tile)
        # endregion
        for first in range(0, S, block_k):
            # region blank: leave off where every key comes after every query; score the tile, masked, otherwise
            position = S - T + start  # of the first query
            if is_causal and first >= position + q_tile.shape[-2]:
                break
            columns = slice(first, first + block_k)
            scores = q_tile @ k[:, :, columns].to(wide).mT  # (B, H, block_q, block_k)
            if is_causal:
                later = torch.ones_like(scores, dtype=torch.bool).triu(position - first + 1)
                scores = scores.masked_fill(later, -torch.inf)
            # endregion
            # region blank: raise the maximum, rescale sum and output to it, add what the tile contributes
            raised = torch.maximum(m, scores.amax(dim=-1, keepdim=True))
            shift = raised.masked_fill(raised == -torch.inf, 0.0)  # no key yet: −inf − (−inf) would be NaN
            weights, shrink = (scores - shift).exp(), (m - shift).exp()
            total = total * shrink + weights.sum(dim=-1, keepdim=True)
            acc = acc * shrink + weights @ v[:, :, columns].to(wide)
            m = raised
            # endregion
        # region blank: normalise once, and note the logarithm of the normaliser
        out[:, :, rows] = acc / total.masked_fill(total == 0, 1.0)
        lse[:, :, rows] = (m + total.log()).squeeze(-1)
        # endregion
    return out, lse
