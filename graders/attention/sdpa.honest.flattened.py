"""Heads folded into the batch for torch.baddbmm; a large finite fill, zeroed by the mask afterwards."""

import math

import torch


def _visible(q_len, kv_len, mask, is_causal):
    rows = torch.arange(q_len)[:, None] + (kv_len - q_len)
    seen = torch.arange(kv_len)[None, :] <= rows if is_causal else torch.full((q_len, kv_len), True)
    return seen[None, None] if mask is None else torch.logical_and(seen, mask)


def scaled_dot_product_attention(q, k, v, mask=None, is_causal=False, scale=None):
    b, h, t, d = q.shape
    s, e = v.shape[2:]
    q3, k3, v3 = (x.to(torch.float32).reshape(b * h, -1, x.shape[-1]) for x in (q, k, v))
    alpha = scale if scale is not None else 1.0 / math.sqrt(d)
    scores = torch.baddbmm(torch.empty(b * h, t, s), q3, k3.transpose(1, 2), beta=0, alpha=alpha).view(b, h, t, s)
    seen = _visible(t, s, mask, is_causal)
    scores = torch.where(seen, scores, torch.finfo(torch.float32).min)
    p = torch.nn.functional.softmax(scores, -1) * seen.float()
    return torch.bmm(p.view(b * h, t, s), v3).view(b, h, t, e).type(q.dtype)
