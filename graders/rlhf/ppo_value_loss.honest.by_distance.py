"""The larger square is that of the larger distance; the mean as a weighted product."""

import torch


def ppo_value_loss(values, old_values, returns, response_mask, clip_eps=0.2):
    with torch.no_grad():
        weights = response_mask.to(values.dtype)
        weights = weights / weights.sum().clamp_min(1.0)
        low, high = old_values - clip_eps, old_values + clip_eps
        target = returns.clone()
    clipped = torch.min(torch.max(values, low), high)
    distances = torch.stack(((values - target).abs(), (clipped - target).abs()))
    loss = torch.tensordot(distances.amax(dim=0).pow(2), weights, dims=2) * 0.5
    effect = (distances[1] > distances[0]).to(values.dtype)
    return loss, (effect * weights).sum()
