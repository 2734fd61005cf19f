"""With sums by mask and where, and epsilon in the denominators, as verl does it."""

import torch


def _masked_sum(values, mask, axis=None):
    kept = torch.where(mask.bool(), values, 0.0)
    return kept.sum() if axis is None else kept.sum(axis)


def agg_loss(loss_mat, loss_mask, loss_agg_mode, dp_size=1, batch_num_tokens=None, global_batch_size=None,
             loss_scale_factor=None):  # fmt: skip
    if loss_agg_mode == "token-mean":
        if batch_num_tokens is None:
            if dp_size > 1:
                raise ValueError("batch_num_tokens is needed")
            batch_num_tokens = max(int(loss_mask.sum()), 1)
        return _masked_sum(loss_mat, loss_mask) / batch_num_tokens * dp_size
    if not loss_agg_mode.startswith("seq-mean-token-") or loss_agg_mode[15:] not in ("sum", "mean", "sum-norm"):
        raise ValueError(f"no such mode: {loss_agg_mode}")
    per_sequence = _masked_sum(loss_mat, loss_mask, -1)
    tokens = loss_mask.sum(-1)
    if loss_agg_mode.endswith("mean"):
        per_sequence = per_sequence / (tokens + 1e-8)
    if global_batch_size is None:
        if dp_size > 1:
            raise ValueError("global_batch_size is needed")
        global_batch_size = max(int((tokens > 0).sum()), 1)
    loss = (per_sequence * (tokens > 0).float()).sum() / global_batch_size * dp_size
    if loss_agg_mode.endswith("norm"):
        loss = loss / (loss_scale_factor if loss_scale_factor is not None else loss_mask.shape[-1])
    return loss
