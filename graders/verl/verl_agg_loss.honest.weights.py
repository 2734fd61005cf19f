"""One weight a token, worked out first; the loss is a dot product."""

import torch


def agg_loss(loss_mat, loss_mask, loss_agg_mode, dp_size=1, batch_num_tokens=None, global_batch_size=None,
             loss_scale_factor=None):  # fmt: skip
    mask = loss_mask.float()
    n = mask.sum(dim=1, keepdim=True)
    each = {
        "token-mean": lambda: mask,
        "seq-mean-token-sum": lambda: mask,
        "seq-mean-token-mean": lambda: mask / torch.where(n > 0, n, torch.ones_like(n)),
        "seq-mean-token-sum-norm": lambda: mask / (loss_scale_factor or loss_mat.size(1)),
    }
    if loss_agg_mode not in each:
        raise ValueError(loss_agg_mode)
    total = batch_num_tokens if loss_agg_mode == "token-mean" else global_batch_size
    if total is None and dp_size > 1:
        raise ValueError("the number for the whole batch is missing")
    if total is None:
        total = mask.sum() if loss_agg_mode == "token-mean" else (n > 0).sum()
        total = torch.clamp(total, min=1)
    weights = each[loss_agg_mode]() * dp_size / total
    return torch.dot(weights.flatten(), torch.where(mask > 0, loss_mat, torch.zeros_like(loss_mat)).flatten())
