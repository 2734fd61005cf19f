"""A softmax over the two classes with logits x and 0, whose logsumexp is written out."""

import torch


def bce_with_logits(logits, target, pos_weight=None, reduction="mean"):
    kind = torch.promote_types(logits.dtype, torch.float32)
    x = logits.to(kind)
    pair = torch.stack([torch.zeros_like(x), x], dim=-1)
    top = pair.detach().amax(-1, keepdim=True)
    lse = torch.log(torch.exp(pair - top).sum(-1, keepdim=True)) + top
    nll = lse - pair  # of the classes 0 and 1
    y = target.to(kind)
    weights = torch.stack([1 - y, y if pos_weight is None else y * pos_weight.to(kind)], dim=-1)
    loss = torch.einsum("...c,...c->...", nll, weights)
    if reduction == "mean":
        loss = torch.mean(loss)
    if reduction == "sum":
        loss = torch.sum(loss)
    return loss.to(logits.dtype)
