"""Additive bias, exponentials by hand, normalised after the values are weighed."""

import torch


def scaled_dot_product_attention(q, k, v, mask=None, is_causal=False, scale=None):
    t, s = q.size(2), k.size(2)
    qf, kf, vf = q.float(), k.float(), v.float()
    scale = q.size(-1) ** -0.5 if scale is None else scale
    bias = torch.zeros(1, 1, t, s)
    if is_causal:
        position = torch.arange(s - t, s).unsqueeze(-1)
        bias = bias.masked_fill(torch.arange(s) > position, float("-inf"))
    if mask is not None:
        bias = bias + torch.where(mask, 0.0, float("-inf"))
    scores = torch.einsum("bhtd,bhsd->bhts", qf * scale, kf) + bias
    top = scores.detach().amax(-1, keepdim=True)
    top = torch.where(top.isinf(), 0.0, top)
    e = torch.exp(scores - top)
    total = e.sum(-1, keepdim=True)
    out = torch.einsum("bhts,bhsv->bhtv", e, vf) / torch.where(total == 0, 1.0, total)
    return out.to(q.dtype)
