"""Counts the tokens of the nucleus in each row, compares ranks with the count; log-probabilities throughout."""

import torch


def _kept(logp, p, least):
    order = torch.argsort(logp, dim=-1, descending=True, stable=True)
    rank = torch.empty_like(order)
    rank.scatter_(-1, order, torch.arange(logp.shape[-1]).expand_as(order))
    if p >= 1:
        return torch.full_like(rank, True, dtype=torch.bool)
    mass = logp.gather(-1, order).exp().cumsum(-1)
    count = (mass < p).sum(-1, keepdim=True) + 1  # the shortest prefix that reaches p
    return rank < count.clamp(min=least)


def top_p_filter(logits, p, min_tokens_to_keep=1):
    out = logits.clone()
    out[~_kept(logits.float().log_softmax(-1), p, min_tokens_to_keep)] = -torch.inf
    return out


def sample_top_p(logits, p, temperature, u):
    if not temperature:
        return logits.argmax(-1)
    logp = torch.log_softmax(logits.float() / temperature, -1)
    q = logp.exp() * _kept(logp, p, 1)
    q = q / q.sum(-1, keepdim=True)
    cdf = q.double().cumsum(-1).float()
    allowed = (q > 0) & (cdf > u[:, None])
    token = allowed.int().argmax(-1)
    last = q.shape[-1] - 1 - (q > 0).int().flip(-1).argmax(-1)
    return torch.where(allowed.any(-1), token, last)
