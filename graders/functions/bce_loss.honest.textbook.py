"""max(x, 0) − x y + log1p(exp(−|x|)) with the weight 1 + (w − 1) y on the logarithm; max as (x + |x|) / 2."""

import torch


def bce_with_logits(logits, target, pos_weight=None, reduction="mean"):
    half = logits.dtype in (torch.float16, torch.bfloat16)
    x, y = (logits.float(), target.float()) if half else (logits, target)
    size = torch.abs(x)
    tail = torch.log1p(torch.exp(-size))
    if pos_weight is None:
        loss = 0.5 * (x + size) - x * y + tail
    else:
        w = 1.0 + (pos_weight.to(x.dtype) - 1.0) * y
        loss = (1.0 - y) * x + w * (tail + 0.5 * (size - x))
    if reduction != "none":
        loss = loss.sum() / (loss.numel() if reduction == "mean" else 1)
    return loss.type(logits.dtype)
