"""A reduction by merge_stats over the pairs of the blocks; NaN of an empty side is replaced after the exponential."""

from functools import reduce

import torch


def _factor(m_old, m):
    return torch.exp(m_old - m).nan_to_num(nan=0.0)


def merge_stats(m1, l1, m2, l2):
    m = torch.stack((m1, m2)).amax(0)
    return m, torch.stack((l1 * _factor(m1, m), l2 * _factor(m2, m))).sum(0)


def _stats(block):
    wide = block.to(torch.promote_types(block.dtype, torch.float32))
    m, _ = torch.max(wide, dim=-1)
    weights = _factor(wide, m[:, None])
    return m, torch.einsum("bn->b", weights)


def online_softmax_stats(blocks):
    return reduce(lambda one, other: merge_stats(*one, *other), map(_stats, blocks))
