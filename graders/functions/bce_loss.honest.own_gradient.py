"""An autograd.Function whose backward pass is the closed form; the value by logaddexp."""

import torch


class _BCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, w):
        ctx.save_for_backward(x, y, w)
        zero = torch.zeros_like(x)
        return w * y * torch.logaddexp(zero, -x) + (1 - y) * torch.logaddexp(zero, x)

    @staticmethod
    def backward(ctx, grad):
        x, y, w = ctx.saved_tensors
        p = torch.sigmoid(x)
        return grad * (w * y * (p - 1) + (1 - y) * p), None, None


def bce_with_logits(logits, target, pos_weight=None, reduction="mean"):
    kind = torch.promote_types(logits.dtype, torch.float32)
    w = torch.ones((), dtype=kind) if pos_weight is None else pos_weight.to(kind)
    loss = _BCE.apply(logits.to(kind), target.to(kind), w)
    match reduction:
        case "mean":
            loss = loss.mean()
        case "sum":
            loss = loss.sum()
    return loss.to(logits.dtype)
