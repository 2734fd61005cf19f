"""The cross-entropy of a smoothed distribution that is written into a float matrix, with products only where it is not 0."""

import torch


def cross_entropy(logits, target, ignore_index=-100, label_smoothing=0.0, reduction="mean"):
    kind = torch.promote_types(logits.dtype, torch.float32)
    x = logits.to(kind)
    keep = target.ne(ignore_index)
    safe = torch.where(keep, target, torch.zeros_like(target))
    q = torch.full(x.shape, label_smoothing / x.shape[1], dtype=kind)
    q.scatter_add_(1, safe[:, None], torch.full((len(safe), 1), 1.0 - label_smoothing, dtype=kind))
    z = x - torch.max(x, dim=1, keepdim=True)[0]
    minus_logp = torch.log(torch.exp(z).sum(1, keepdim=True)) - z
    rows = torch.where(q > 0, minus_logp, torch.zeros((), dtype=kind)).mul(q).sum(1)
    rows = torch.where(keep, rows, torch.zeros_like(rows))
    if reduction == "none":
        out = rows
    elif reduction == "sum":
        out = torch.sum(rows)
    else:
        out = torch.sum(rows) / max(int(keep.sum()), 1)
    return out.to(logits.dtype)
