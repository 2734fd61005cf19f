"""Loss terms 1 to 3 and masked means, in verl's order."""

import torch


def _mean(x, mask):
    return (x * mask).sum() / torch.clamp(mask.sum(), min=1)


def _aggregate(losses, mask, mode):
    if mode == "token-mean":
        return _mean(losses, mask)
    n = mask.sum(-1)
    rows = (losses * mask).sum(-1)
    if mode == "seq-mean-token-mean":
        rows = rows / (n + 1e-8)
    return _mean(rows, (n > 0).float())


def compute_policy_loss_vanilla(old_log_prob, log_prob, advantages, response_mask, loss_agg_mode="token-mean",
                                clip_ratio=0.2, clip_ratio_low=None, clip_ratio_high=None, clip_ratio_c=3.0,
                                rollout_is_weights=None):  # fmt: skip
    if not clip_ratio_c > 1.0:
        raise ValueError("clip_ratio_c must be greater than 1")
    lower = 1 - (clip_ratio_low if clip_ratio_low is not None else clip_ratio)
    upper = 1 + (clip_ratio_high if clip_ratio_high is not None else clip_ratio)
    negative_kl = torch.clamp(log_prob - old_log_prob, min=-20.0, max=20.0)
    ratio = torch.exp(negative_kl)
    one = -advantages * ratio
    two = -advantages * torch.clamp(ratio, lower, upper)
    worst = torch.max(one, two)
    three = -advantages * clip_ratio_c
    bounded = torch.min(three, worst)
    losses = torch.where(advantages < 0, bounded, worst)
    if rollout_is_weights is not None:
        losses = losses * rollout_is_weights
    with torch.no_grad():
        metrics = {
            "actor/pg_clipfrac": _mean(torch.gt(two, one).float(), response_mask).item(),
            "actor/ppo_kl": _mean(-negative_kl, response_mask).item(),
            "actor/pg_clipfrac_lower": _mean(torch.gt(worst, three) * (advantages < 0).float(), response_mask).item(),
        }
    return _aggregate(losses, response_mask, loss_agg_mode), metrics
