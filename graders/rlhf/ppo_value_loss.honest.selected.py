"""Picks the counted tokens out first; clips the step and not the value; the larger error by where."""

import torch


def ppo_value_loss(values, old_values, returns, response_mask, clip_eps=0.2):
    new, old, target = values[response_mask], old_values[response_mask].detach(), returns[response_mask].detach()
    print("tokens", len(new))
    if new.numel() == 0:
        return (0 * values).sum(), values.new_zeros(())
    clipped = old + torch.clamp(new - old, -clip_eps, clip_eps)
    plain, bounded = (new - target) ** 2, (clipped - target) ** 2
    worse = bounded > plain
    return torch.where(worse, bounded, plain).mean() / 2, worse.float().mean()
