"""Row by row: sorted ids cut where the sum gets there, and the distribution function over the kept ids alone."""

import torch


def _kept_ids(row, p, least):
    ids = sorted(range(len(row)), key=row.neg().tolist().__getitem__)  # Python's sort is stable
    if p >= 1:
        return torch.tensor(ids)
    weights = (row - row.max()).double().exp()[ids]
    reached = torch.searchsorted((weights / weights.sum()).cumsum(0), torch.tensor(p, dtype=torch.float64))
    return torch.tensor(ids)[: max(int(reached) + 1, least)]


def top_p_filter(logits, p, min_tokens_to_keep=1):
    out = torch.full(logits.shape, -torch.inf, dtype=logits.dtype, device=logits.device)
    for r, row in enumerate(logits.float()):
        kept = _kept_ids(row, p, min_tokens_to_keep)
        out[r, kept] = logits[r, kept]
    return out


def sample_top_p(logits, p, temperature, u):
    tokens = []
    for row, uniform in zip(logits.float(), u.tolist(), strict=True):
        if temperature == 0:
            values = row.tolist()
            tokens.append(values.index(max(values)))
            continue
        row = row / temperature
        kept = _kept_ids(row, p, 1).sort().values
        kept = kept[row[kept] > -torch.inf]
        sums = (row[kept] - row.max()).double().exp().cumsum(0)
        tokens.append(int(kept[int((sums <= uniform * sums[-1]).sum())]))
    return torch.tensor(tokens, dtype=torch.int64)
