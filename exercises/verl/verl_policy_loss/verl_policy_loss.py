# Generated from solutions/verl/verl_policy_loss.py; do not edit. thinkllm dev render
"""verl's policy loss of PPO with two clips, `verl.trainer.ppo.core_algos.compute_policy_loss_vanilla`.

Sources: Schulman et al. 2017 (arXiv:1707.06347), equation 7; dual clip: Ye et al. 2019 (arXiv:1912.09729).
Dimensions: B batch, L response length.
"""

import torch
from torch import Tensor


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
    raise NotImplementedError("blank 1: compute_policy_loss_vanilla")
