"""p log p by the log-probabilities of the softmax, minus p log q: two products, each 0 where p is."""

import torch
from torch.nn import functional as F


def kl_div(p_logits, q_logits, direction="forward", reduction="batchmean"):
    kind = torch.promote_types(p_logits.dtype, torch.float32)
    logits = [p_logits.to(kind), q_logits.to(kind)]
    if direction != "forward":
        logits.reverse()
    p = F.softmax(logits[0], dim=-1)
    dead = logits[0] == float("-inf")
    log_p = F.log_softmax(logits[0], dim=-1).masked_fill(dead, 0)
    log_q = F.log_softmax(logits[1], dim=-1).masked_fill(dead, 0)
    terms = p * log_p - p * log_q
    if reduction == "sum":
        return terms.sum().to(p_logits.dtype)
    if reduction == "mean":
        return terms.flatten().mean().to(p_logits.dtype)
    if reduction == "batchmean":
        return (terms.flatten(1).sum(1).mean()).to(p_logits.dtype)
    return terms.to(p_logits.dtype)
