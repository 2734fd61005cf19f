"""Positives and negatives apart: two sigmoids, clamped away from 0 only inside the power."""

import torch
import torch.nn.functional as F


def focal_loss(logits, target, alpha=0.25, gamma=2.0, reduction="mean"):
    x = logits.to(torch.promote_types(logits.dtype, torch.float32))
    y = target.to(x.dtype)
    tiny = torch.finfo(torch.float32).tiny
    p, n = torch.sigmoid(x).clamp_min(tiny), torch.sigmoid(-x).clamp_min(tiny)
    pos, neg = n**gamma * F.softplus(-x), p**gamma * F.softplus(x)
    if alpha is not None:
        pos, neg = pos * alpha, neg * (1.0 - alpha)
    loss = torch.where(y == 1, pos, neg)
    if reduction == "none":
        return loss.to(logits.dtype)
    total = loss.sum()
    return (total / loss.numel() if reduction == "mean" else total).to(logits.dtype)
