"""torch.where on both inputs before they are subtracted; a count in float."""

import torch


def mse_loss(pred, target, reduction="mean", mask=None):
    if tuple(pred.shape) != tuple(target.shape):
        raise ValueError("shapes differ")
    p, t = pred, target
    if pred.dtype in (torch.float16, torch.bfloat16):
        p, t = p.float(), t.float()
    n = float(p.numel())
    if mask is not None:
        zero = torch.zeros((), dtype=p.dtype)
        p, t = torch.where(mask, p, zero), torch.where(mask, t, zero)
        n = torch.broadcast_to(mask, p.shape).to(p.dtype).sum()
        n = torch.maximum(n, torch.ones_like(n))
    sq = torch.pow(p - t, 2)
    out = {"none": lambda: sq, "sum": lambda: sq.sum(), "mean": lambda: sq.sum() / n}[reduction]()
    return out.to(pred.dtype)
