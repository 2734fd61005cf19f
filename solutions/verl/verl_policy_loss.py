"""verl's policy loss of PPO with two clips, `verl.trainer.ppo.core_algos.compute_policy_loss_vanilla`.

Sources: Schulman et al. 2017 (arXiv:1707.06347), equation 7; dual clip: Ye et al. 2019 (arXiv:1912.09729).
Dimensions: B batch, L response length.
"""

import torch
from torch import Tensor


# region keep
def agg_loss(loss_mat: Tensor, loss_mask: Tensor, loss_agg_mode: str) -> Tensor:
    """Return one number of a matrix of token losses: token-mean, seq-mean-token-sum or seq-mean-token-mean.

    Args:
        loss_mat: (B, L), finite.
        loss_mask: (B, L) int64, 1 at tokens that count.
        loss_agg_mode: the name.
    Returns:
        ().
    """
    lengths = loss_mask.sum(dim=-1)  # (B,)
    rows = (loss_mat * loss_mask).sum(dim=-1)
    if loss_agg_mode == "token-mean":
        return rows.sum() / lengths.sum().clamp(min=1)
    if loss_agg_mode == "seq-mean-token-mean":
        rows = rows / lengths.clamp(min=1)
    elif loss_agg_mode != "seq-mean-token-sum":
        raise ValueError(f"unknown loss_agg_mode {loss_agg_mode!r}")
    return rows.sum() / (lengths > 0).sum().clamp(min=1)


# endregion


def compute_policy_loss_vanilla(
    old_log_prob: Tensor,
    log_prob: Tensor,
    advantages: Tensor,
    response_mask: Tensor,
    loss_agg_mode: str = "token-mean",
    clip_ratio: float = 0.2,
    clip_ratio_low: float | None = None,
    clip_ratio_high: float | None = None,
    clip_ratio_c: float = 3.0,
    rollout_is_weights: Tensor | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Return the policy loss and what to watch.

    Args:
        old_log_prob, log_prob: (B, L), of the sampled tokens before and under the present policy.
        advantages: (B, L).
        response_mask: (B, L) int64, 1 at tokens that count.
        loss_agg_mode: how `agg_loss` makes one number of the tokens' losses.
        clip_ratio: how far the ratio may leave 1, on either side.
        clip_ratio_low, clip_ratio_high: the same for one side; clip_ratio where None.
        clip_ratio_c: the largest ratio that a negative advantage is weighed with, above 1.
        rollout_is_weights: (B, L), factors of the tokens' losses; 1 where None.
    Returns:
        loss: ().
        metrics: actor/pg_clipfrac, actor/ppo_kl, actor/pg_clipfrac_lower.
    Raises:
        ValueError: clip_ratio_c is 1 or less.
    """
    if clip_ratio_c <= 1:
        raise ValueError(f"clip_ratio_c must be above 1, not {clip_ratio_c}")
    # region blank: the ratio of each token, from a clamped log-ratio
    low = clip_ratio if clip_ratio_low is None else clip_ratio_low
    high = clip_ratio if clip_ratio_high is None else clip_ratio_high
    log_ratio = (log_prob - old_log_prob).clamp(-20, 20)
    ratio = log_ratio.exp()
    # endregion
    # region blank: PPO's larger loss; where the advantage is negative, at most the one of ratio clip_ratio_c
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1 - low, 1 + high)
    ppo = torch.maximum(plain, clipped)
    ceiling = -advantages * clip_ratio_c
    losses = torch.where(advantages < 0, torch.minimum(ppo, ceiling), ppo)
    # endregion
    # region blank: the weights of the tokens, the aggregation, and fractions over the mask
    if rollout_is_weights is not None:
        losses = losses * rollout_is_weights
    watched = {
        "actor/pg_clipfrac": clipped > plain,
        "actor/ppo_kl": -log_ratio,
        "actor/pg_clipfrac_lower": (ppo > ceiling) & (advantages < 0),
    }
    metrics = {name: agg_loss(each.detach(), response_mask, "token-mean").item() for name, each in watched.items()}
    return agg_loss(losses, response_mask, loss_agg_mode), metrics
    # endregion
