"""Picks the counted tokens out first; the maximum of the two losses; the ratio clipped by where."""

import torch


def ppo_policy_loss(log_prob, old_log_prob, advantages, response_mask, clip_eps=0.2):
    new, old, adv = log_prob[response_mask], old_log_prob[response_mask].detach(), advantages[response_mask].detach()
    if new.numel() == 0:
        nothing = log_prob.new_zeros(())
        return (0.0 * log_prob.masked_fill(~response_mask, 0)).sum(), nothing, nothing
    print("tokens", len(new))
    ratio = torch.exp(new - old)
    low, high = torch.full_like(ratio, 1 - clip_eps), torch.full_like(ratio, 1 + clip_eps)
    bounded = torch.where(ratio > high, high, torch.where(ratio < low, low, ratio))
    losses = torch.stack([-adv * ratio, -adv * bounded])
    with torch.no_grad():
        clipped = losses[1] > losses[0]
        kl = torch.mean(old - new)
    return losses.amax(0).mean(), clipped.float().mean(), kl
