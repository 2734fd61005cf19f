# Generated from solutions/verl/verl_value_loss.py; do not edit. thinkllm dev render
"""verl's clipped value loss, `verl.trainer.ppo.core_algos.compute_value_loss`.

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


def compute_value_loss(
    vpreds: Tensor,
    returns: Tensor,
    values: Tensor,
    response_mask: Tensor,
    cliprange_value: float,
    loss_agg_mode: str = "token-mean",
) -> tuple[Tensor, Tensor]:
    """Return the clipped value loss and the fraction of the tokens at which the clip had an effect.

    Args:
        vpreds: (B, L), what the critic says now.
        returns: (B, L), the targets.
        values: (B, L), what the critic said during the rollout.
        response_mask: (B, L) int64, 1 at tokens that count.
        cliprange_value: how far a prediction may move from the old value in its favour.
        loss_agg_mode: how `agg_loss` makes one number of the tokens' losses.
    Returns:
        vf_loss: ().
        vf_clipfrac: (), without gradient.
    """
    raise NotImplementedError("blank 1: compute_value_loss")
