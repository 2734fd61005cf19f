"""Row by row in plain Python: a sorted list of ids, and a walk along the distribution function."""

import math

import torch


def _kept_ids(row, p, least):
    top = max(row)
    weights = [math.exp(x - top) for x in row]
    total = math.fsum(weights)
    ids = sorted(range(len(row)), key=lambda i: (-row[i], i))
    if p >= 1:
        return ids
    count, mass = 0, 0.0
    while count < len(ids) and (count < least or mass < p):
        mass += weights[ids[count]] / total
        count += 1
    return ids[:count]


def top_p_filter(logits, p, min_tokens_to_keep=1):
    out = torch.full(logits.shape, -torch.inf, dtype=logits.dtype, device=logits.device)
    for r, row in enumerate(logits.tolist()):
        kept = torch.tensor(_kept_ids(row, p, min_tokens_to_keep), dtype=torch.long)
        out[r, kept] = logits[r, kept]
    return out


def sample_top_p(logits, p, temperature, u):
    tokens = []
    for row, uniform in zip(logits.tolist(), u.tolist(), strict=True):
        if temperature == 0:
            tokens.append(row.index(max(row)))
            continue
        row = [x / temperature for x in row]
        kept = sorted(i for i in _kept_ids(row, p, 1) if row[i] > -math.inf)
        top = max(row)
        weights = [math.exp(row[i] - top) for i in kept]
        target, total = uniform * math.fsum(weights), 0.0
        for token, weight in zip(kept, weights, strict=True):
            total += weight
            if total > target:
                tokens.append(token)
                break
        else:
            tokens.append(kept[-1])
    return torch.tensor(tokens, dtype=torch.int64)
