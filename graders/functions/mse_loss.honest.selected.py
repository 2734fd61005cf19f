"""Picks the elements that count by a bool index and puts them back for "none"; the sum is a dot product."""

import torch


class _ShapesDiffer(ValueError):
    pass


def mse_loss(pred, target, reduction="mean", mask=None):
    if pred.size() != target.size():
        raise _ShapesDiffer(f"{pred.size()} and {target.size()}")
    keep = (
        torch.ones(pred.shape, dtype=torch.bool) if mask is None else torch.zeros(pred.shape, dtype=torch.bool) | mask
    )
    kind = torch.promote_types(pred.dtype, torch.float32)
    d = pred[keep].to(kind) - target[keep].to(kind)
    if reduction == "none":
        return torch.zeros(pred.shape, dtype=kind).masked_scatter(keep, d * d).to(pred.dtype)
    total = torch.dot(d, d)
    if reduction == "mean" and d.numel():
        total = total / d.numel()
    return total.to(pred.dtype)
