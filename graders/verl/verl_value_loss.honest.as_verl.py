"""Aggregation of its own, min and max for the clip."""

import torch


def _mean(x, mask):
    return (x * mask).sum() / mask.sum().clamp(min=1)


def compute_value_loss(vpreds, returns, values, response_mask, cliprange_value, loss_agg_mode="token-mean"):
    bounded = torch.max(torch.min(vpreds, values + cliprange_value), values - cliprange_value)
    a, b = (vpreds - returns) ** 2, (bounded - returns) ** 2
    losses = torch.max(a, b) * 0.5
    if loss_agg_mode == "token-mean":
        loss = _mean(losses, response_mask)
    else:
        n = response_mask.sum(-1)
        per_row = (losses * response_mask).sum(-1)
        if loss_agg_mode == "seq-mean-token-mean":
            per_row = per_row / (n + 1e-8)
        loss = _mean(per_row, (n > 0).float())
    return loss, _mean(torch.gt(b, a).to(losses.dtype), response_mask)
