# Generated from solutions/verl/verl_entropy_loss.py; do not edit. thinkllm dev render
"""verl's entropy of the policy, `verl.trainer.ppo.core_algos.compute_entropy_loss`, with chunks.

Dimensions: B batch, L response length, V vocabulary.
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


def compute_entropy_loss(
    logits: Tensor, response_mask: Tensor, loss_agg_mode: str = "token-mean", chunk_size: int | None = None
) -> Tensor:
    """Return the entropy in nats of the next-token distributions, aggregated over the mask.

    Args:
        logits: (B, L, V), float32 or bfloat16; -inf bans a token.
        response_mask: (B, L) int64, 1 at tokens that count.
        loss_agg_mode: how `agg_loss` makes one number of the tokens' entropies.
        chunk_size: how many of the B * L rows to take at a time; all where None.
    Returns:
        (), float32.
    """
    raise NotImplementedError("blank 1: compute_entropy_loss")
