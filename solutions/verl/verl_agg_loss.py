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
    # region blank: the losses that count, and how many there are in each response
    losses = torch.where(loss_mask > 0, loss_mat, 0.0)
    lengths = loss_mask.sum(dim=-1)  # (B,)
    # endregion
    # region blank: what is added up, what it is divided by locally and globally, mode by mode
    if loss_agg_mode == "token-mean":
        summed, local, given = losses.sum(), lengths.sum(), batch_num_tokens
    elif loss_agg_mode in ("seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"):
        rows = losses.sum(dim=-1)  # (B,)
        if loss_agg_mode == "seq-mean-token-mean":
            rows = rows / lengths.clamp(min=1)
        elif loss_agg_mode == "seq-mean-token-sum-norm":
            rows = rows / (loss_mat.shape[-1] if loss_scale_factor is None else loss_scale_factor)
        summed, local, given = rows.sum(), (lengths > 0).sum(), global_batch_size
    else:
        raise ValueError(f"unknown loss_agg_mode {loss_agg_mode!r}")
    # endregion
    # region blank: the division, by the global number where there are several ranks; then the share of this rank
    if given is None:
        if dp_size > 1:
            raise ValueError("several ranks must divide by a number of the whole batch")
        return summed / local.clamp(min=1)
    return summed / given * dp_size
    # endregion
