"""The ratio that counts, by the sign of the advantage; the loss is one product."""

import torch


def compute_policy_loss_vanilla(old_log_prob, log_prob, advantages, response_mask, loss_agg_mode="token-mean",
                                clip_ratio=0.2, clip_ratio_low=None, clip_ratio_high=None, clip_ratio_c=3.0,
                                rollout_is_weights=None):  # fmt: skip
    if clip_ratio_c <= 1:
        raise ValueError(clip_ratio_c)
    low, high = (clip_ratio if x is None else x for x in (clip_ratio_low, clip_ratio_high))
    gap = (log_prob - old_log_prob).clamp(max=20).clamp(min=-20)
    r = gap.exp()
    bad = advantages.lt(0)
    counted = torch.where(bad, r.clamp(min=1 - low).clamp(max=clip_ratio_c), r.clamp(max=1 + high))
    each = -(advantages * counted)
    if rollout_is_weights is not None:
        each = rollout_is_weights * each
    own = response_mask.bool()
    total = max(int(own.sum()), 1)
    fraction = lambda hit: float((hit & own).sum()) / total  # noqa: E731
    clipped = torch.where(bad, r < 1 - low, r > 1 + high)
    metrics = {
        "actor/ppo_kl": float(torch.where(own, -gap, torch.zeros_like(gap)).sum().detach()) / total,
        "actor/pg_clipfrac": fraction(clipped),
        "actor/pg_clipfrac_lower": fraction(bad & (r.clamp(min=1 - low) > clip_ratio_c)),
    }
    each = torch.where(own, each, torch.zeros_like(each))
    if loss_agg_mode == "token-mean":
        return each.sum() / total, metrics
    rows, n = each.sum(1), own.sum(1)
    if loss_agg_mode == "seq-mean-token-mean":
        rows = rows / n.clamp(min=1)
    return rows.sum() / max(int((n > 0).sum()), 1), metrics
