"""The closed form: a positive advantage is bounded above, a negative one below; means by a weighted dot product."""

import torch


def ppo_policy_loss(log_prob, old_log_prob, advantages, response_mask, clip_eps=0.2):
    weights = response_mask.float() / torch.clamp(response_mask.float().sum(), min=1.0)
    adv = torch.where(response_mask, advantages, torch.zeros_like(advantages)).detach()
    old = torch.where(response_mask, old_log_prob, torch.zeros_like(old_log_prob)).detach()
    delta = torch.where(response_mask, log_prob, torch.zeros_like(log_prob)) - old
    ratio = torch.exp(delta.clamp(-20, 20))
    better = adv >= 0
    kept = torch.where(better, ratio.clamp(max=1 + clip_eps), ratio.clamp(min=1 - clip_eps))
    loss = torch.einsum("bt,bt->", kept * -adv, weights)
    outside = torch.where(better, ratio > 1 + clip_eps, ratio < 1 - clip_eps) & (adv != 0)
    return loss, (outside.float() * weights).sum().detach(), -(delta * weights).sum().detach()
