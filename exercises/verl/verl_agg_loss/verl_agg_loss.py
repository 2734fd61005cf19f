# Generated from solutions/verl/verl_agg_loss.py; do not edit. thinkllm dev render
"""How verl aggregates token losses, `verl.trainer.ppo.core_algos.agg_loss`.

Dimensions: B batch, L response length.
"""

import torch
from torch import Tensor


def agg_loss(
    loss_mat: Tensor,
    loss_mask: Tensor,
    loss_agg_mode: str,
    dp_size: int = 1,
    batch_num_tokens: int | None = None,
    global_batch_size: int | None = None,
    loss_scale_factor: int | None = None,
) -> Tensor:
    """Return one number of a matrix of token losses, such that the mean over data-parallel ranks is that of the batch.

    Args:
        loss_mat: (B, L), the losses of this rank's tokens; anything where the mask is 0.
        loss_mask: (B, L) int64, 1 at tokens that count.
        loss_agg_mode: token-mean, seq-mean-token-sum, seq-mean-token-mean or seq-mean-token-sum-norm.
        dp_size: number of ranks.
        batch_num_tokens: tokens that count on all ranks; this rank's where None.
        global_batch_size: responses with such tokens on all ranks; this rank's where None.
        loss_scale_factor: divisor of seq-mean-token-sum-norm; L where None.
    Returns:
        ().
    Raises:
        ValueError: unknown mode, or several ranks without the number that the mode divides by.
    """
    raise NotImplementedError("blank 1: agg_loss")
