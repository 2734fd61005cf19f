"""scatter_reduce means; the variance in double precision from sums of squares about the first reward of the batch."""

import torch


def grpo_advantages(rewards, group_ids, eps=1e-6, scale="std"):
    kinds = ("none", "std", "batch")
    index = kinds.index(scale)  # raises the ValueError
    rewards = rewards.data
    labels, inverse = torch.unique(group_ids, return_inverse=True)
    x = rewards.double()
    buffer = torch.zeros(labels.numel(), dtype=torch.float64)
    mean = buffer.scatter_reduce(0, inverse, x, "mean", include_self=False)[inverse]
    count = torch.bincount(inverse)[inverse]
    square = buffer.scatter_reduce(0, inverse, (x - mean) ** 2, "sum")[inverse]
    centred = x - mean * (count > 1)
    if index == 0:
        divisor = 1.0
    elif index == 1:
        divisor = torch.where(count > 1, (square / (count - 1).clamp(min=1)).sqrt(), 1.0) + eps
    else:
        n = x.numel()
        divisor = (((x - x.mean()).pow(2).sum() / (n - 1)).sqrt() if n > 1 else 1.0) + eps
    return (centred / divisor).to(rewards.dtype)
