"""FlashAttention's loop: the running sum is rescaled in place, a dead row gets a harmless maximum by torch.where."""

import torch


def _safe(m):
    return torch.where(torch.isinf(m), torch.zeros_like(m), m)


def merge_stats(m1, l1, m2, l2):
    first = m1 >= m2
    m = torch.where(first, m1, m2)
    gap = torch.exp(-(_safe(m1) - _safe(m2)).abs())
    gap = torch.where(torch.isinf(m1) | torch.isinf(m2), torch.zeros_like(gap), gap)
    return m, torch.where(first, torch.addcmul(l1, l2, gap), torch.addcmul(l2, l1, gap))


def online_softmax_stats(blocks):
    running_max = running_sum = None
    for block in blocks:
        block = block.float() if block.dtype != torch.float64 else block
        if running_max is None:
            running_max = block.new_full((block.size(0), 1), -torch.inf)
            running_sum = block.new_zeros((block.size(0), 1))
        new_max = torch.max(running_max, block.max(dim=1, keepdim=True).values)
        alpha = torch.exp(running_max - _safe(new_max))
        running_sum = running_sum.mul(alpha).add(torch.exp(block - _safe(new_max)).sum(1, keepdim=True))
        running_max = new_max
    return running_max.squeeze(1), running_sum.squeeze(1)
