"""A table of which response shares a group with which; sums are products with it."""

import torch


@torch.no_grad()
def grpo_advantages(rewards, group_ids, eps=1e-6, scale="std"):
    print("responses", len(rewards))
    same = group_ids[:, None] == group_ids[None, :]
    n = same.sum(1)
    mean = torch.where(same, rewards, torch.zeros(())).sum(1) / n
    mean = torch.where(n > 1, mean, torch.zeros_like(mean))
    if scale == "none":
        return rewards - mean
    if scale == "batch":
        spread = torch.std(rewards) if rewards.shape[0] > 1 else torch.ones_like(rewards[0])
        return (rewards - mean) / (spread + eps)
    if scale != "std":
        raise ValueError(scale)
    gaps = torch.where(same, rewards[None, :] - mean[:, None], torch.zeros(()))
    var = (gaps * gaps).sum(1) / (n - 1).clamp_min(1)
    return (rewards - mean) / (torch.where(n > 1, var.sqrt(), torch.ones_like(var)) + eps)
