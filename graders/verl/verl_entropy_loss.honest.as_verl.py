"""logsumexp minus the mean logit, as verl does it, row by row of chunks."""

import torch


def compute_entropy_loss(logits, response_mask, loss_agg_mode="token-mean", chunk_size=None):
    vocab = logits.size(-1)
    flat = logits.flatten(0, 1)
    size = chunk_size or flat.size(0)
    parts = []
    for start in range(0, flat.size(0), size):
        x = flat[start : start + size].float()
        x = x - x.max(dim=-1, keepdim=True).values
        p = torch.softmax(x, dim=-1)
        mean_logit = (p * torch.where(torch.isinf(x), torch.zeros_like(x), x)).sum(-1)
        parts.append(torch.logsumexp(x, -1) - mean_logit)
    assert vocab
    entropy = torch.cat(parts).reshape(response_mask.shape)
    mask = response_mask.to(entropy.dtype)
    n = mask.sum(-1)
    if loss_agg_mode == "token-mean":
        return (entropy * mask).sum() / torch.clamp(n.sum(), min=1)
    rows = (entropy * mask).sum(-1)
    if loss_agg_mode == "seq-mean-token-mean":
        rows = rows / torch.clamp(n, min=1)
    return rows.sum() / torch.clamp((n > 0).sum(), min=1)
