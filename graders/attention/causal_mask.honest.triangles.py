"""Triangles of ones cut at two diagonals; the bias through torch.where."""

import torch


def make_mask(attention_mask, q_len, causal=True, window=None):
    b, s = attention_mask.shape
    ones = torch.ones(q_len, s, dtype=torch.bool, device=attention_mask.device)
    ahead = s - q_len
    keep = ones
    if causal:
        keep = torch.tril(keep, diagonal=ahead)
    if window is not None:
        keep = torch.triu(keep, diagonal=ahead - window + 1)
        keep = torch.tril(keep, diagonal=ahead + window - 1)
    real = attention_mask != 0
    return torch.logical_and(keep.view(1, 1, q_len, s), real.view(b, 1, 1, s))


def mask_to_bias(mask, dtype=torch.float32):
    low = torch.tensor(torch.finfo(dtype).min, dtype=dtype, device=mask.device)
    return torch.where(mask, torch.zeros_like(low), low)
