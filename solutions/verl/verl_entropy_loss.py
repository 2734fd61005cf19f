"""verl's entropy of the policy, `verl.trainer.ppo.core_algos.compute_entropy_loss`, with chunks.

Dimensions: B batch, L response length, V vocabulary.
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
    # region blank: rows of logits, a chunk at a time
    rows = logits.reshape(-1, logits.shape[-1])  # (B * L, V)
    chunks = rows.split(chunk_size or len(rows))
    # endregion
    # region blank: entropies in float32 (float64 stays); a banned token adds nothing
    entropies = []
    for chunk in chunks:
        logprobs = chunk.to(torch.promote_types(chunk.dtype, torch.float32)).log_softmax(dim=-1)
        banned = logprobs == -torch.inf
        entropies.append(-(logprobs.exp() * logprobs.masked_fill(banned, 0.0)).sum(dim=-1))
    # endregion
    # region blank: back to (B, L), and one number of them
    return agg_loss(torch.cat(entropies).view(response_mask.shape), response_mask, loss_agg_mode)
    # endregion
