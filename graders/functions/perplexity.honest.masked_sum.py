"""Label logit minus a hand-written logsumexp, selected by torch.where; windows in a while loop, tokens in a table."""

import math

import torch


def perplexity(logits, input_ids, attention_mask):
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))[:, :-1, :]
    both = attention_mask[:, 1:].logical_and(attention_mask[:, :-1])
    wide = torch.where(both[..., None], wide, torch.zeros_like(wide))
    top = wide.amax(-1)
    lse = top + torch.log(torch.einsum("btv->bt", torch.exp(wide - top[..., None])))
    label = torch.take_along_dim(wide, input_ids[:, 1:, None], -1)[..., 0]
    nll = torch.where(both, lse - label, torch.zeros_like(lse))
    return float(torch.exp(nll.sum() / both.sum()))


def strided_perplexity(token_nlls, input_ids, max_len, stride):
    n = input_ids.numel()
    scores = {}
    start = 0
    while True:
        window = input_ids[start : start + max_len]
        for offset, nll in enumerate(token_nlls(window).tolist(), start=1):
            scores.setdefault(start + offset, nll)
        if start + max_len >= n:
            return math.exp(math.fsum(scores.values()) / len(scores))
        start += stride
