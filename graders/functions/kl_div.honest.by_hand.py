"""Logsumexps written out; a where on both factors; the mean by counting."""

import torch


def _logp(logits):
    x = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    m = x.detach().max(-1, keepdim=True)[0]
    return x - (m + torch.log(torch.exp(x - m).sum(-1, keepdim=True)))


def kl_div(p_logits, q_logits, direction="forward", reduction="batchmean"):
    a, b = _logp(p_logits), _logp(q_logits)
    if direction == "reverse":
        a, b = b, a
    alive = ~torch.isneginf(a)
    zero = torch.zeros((), dtype=a.dtype)
    a_safe, b_safe = torch.where(alive, a, zero), torch.where(alive, b, zero)
    out = torch.where(alive, torch.exp(a), zero) * (a_safe - b_safe)
    if reduction != "none":
        n = {"sum": 1, "mean": out.numel(), "batchmean": out.shape[0]}[reduction]
        out = torch.einsum("n->", out.reshape(-1)) / n
    return out.to(p_logits.dtype)
