"""Hugging Face's way, made to put the smaller id first: sort ascending and remove the tail of mass 1 − p."""

import torch
import torch.nn.functional as F


def _remove(logits, p, least):
    vocab = logits.size(-1)
    if p >= 1.0 or least >= vocab:
        return torch.zeros_like(logits, dtype=torch.bool)
    # a stable ascending sort of the mirrored row, read in the same direction: larger ids come earlier among equals
    order = vocab - 1 - torch.argsort(logits.float().flip(-1), dim=-1, descending=False, stable=True)
    probs = F.softmax(logits.float().gather(-1, order), dim=-1, dtype=torch.float64)
    remove = probs.cumsum(dim=-1) <= 1 - p
    remove[..., -least:] = False
    return torch.zeros_like(remove).scatter_(1, order, remove)


def top_p_filter(logits, p, min_tokens_to_keep=1):
    return torch.where(_remove(logits, p, min_tokens_to_keep), float("-inf"), logits)


def sample_top_p(logits, p, temperature, u):
    if temperature == 0.0:
        return torch.max(logits, dim=-1).indices
    filtered = top_p_filter(logits.float() / temperature, p)
    q = F.softmax(filtered, dim=-1)
    cdf = torch.cumsum(q, dim=-1).contiguous()
    token = torch.searchsorted(cdf, u.float().reshape(-1, 1).contiguous(), right=True).squeeze(1)
    ids = torch.arange(logits.size(-1)).expand_as(filtered)
    last = torch.where(filtered > float("-inf"), ids, -1).amax(dim=-1)
    return torch.minimum(token, last)
