"""Groups as the rows of a padded table, filled in by rank; each row has its mean and deviation; one-hot positions."""

import torch


def _std(table, there, count):
    mean = table.sum(1, keepdim=True) / count
    gaps = (table - mean) * there
    return mean, torch.sqrt(gaps.pow(2).sum(1, keepdim=True) / torch.clamp(count - 1, min=1))


def grpo_advantages(rewards, group_ids, eps=1e-6, scale="std"):
    if scale not in {"std", "none", "batch"}:
        raise ValueError("scale")
    r = rewards.detach().clone()
    _, row, counts = torch.unique(group_ids, return_inverse=True, return_counts=True)
    order = torch.argsort(row, stable=True)
    starts = counts.cumsum(0) - counts
    column = torch.empty_like(row)
    column[order] = torch.arange(len(r)) - starts[row[order]]
    table, there = torch.zeros(len(counts), int(counts.max())), torch.zeros(len(counts), int(counts.max()))
    table[row, column], there[row, column] = r, 1.0
    count = counts[:, None].float()
    mean, std = _std(table, there, count)
    alone = count == 1
    mean, std = torch.where(alone, 0.0, mean), torch.where(alone, 1.0, std)
    out = table - mean
    if scale == "std":
        out = out / (std + eps)
    if scale == "batch":
        out = out / (
            (_std(r[None], torch.ones(1, len(r)), float(len(r)) * torch.ones(1, 1))[1] if len(r) > 1 else 1) + eps
        )
    return out[row, column]
