"""A bool matrix from comparing class indices with the targets; where instead of products."""

import torch


def cross_entropy_backward(grad_out, logits, target, ignore_index=-100, label_smoothing=0.0, reduction="mean"):
    x = logits.double().float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    z = (x - x.amax(1, keepdim=True)).exp()
    p = z / z.sum(1, keepdim=True)
    keep = target.ne(ignore_index)[:, None]
    hit = torch.arange(x.shape[1])[None, :] == target[:, None]
    low, high = label_smoothing / x.shape[1], 1 - label_smoothing + label_smoothing / x.shape[1]
    grad = torch.where(hit, p - high, p - low)
    g = grad_out.to(x.dtype).reshape(-1, 1)
    if reduction == "mean":
        g = g * (1.0 / max(int(keep.sum()), 1))
    return torch.where(keep, grad * g, torch.zeros_like(grad)).to(logits.dtype)
