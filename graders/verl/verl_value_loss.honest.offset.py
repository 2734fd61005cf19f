"""The step is clipped, and only the tokens in the mask are looked at."""

import torch


def compute_value_loss(vpreds, returns, values, response_mask, cliprange_value, loss_agg_mode="token-mean"):
    own = response_mask.bool()
    step = (vpreds - values).clamp(min=-cliprange_value, max=cliprange_value)
    plain = torch.nn.functional.mse_loss(vpreds, returns, reduction="none")
    near = torch.nn.functional.mse_loss(values + step, returns, reduction="none")
    worse = (near > plain).logical_and(own)
    each = torch.where(own, torch.where(near > plain, near, plain), torch.zeros_like(plain)) / 2
    n = own.sum(dim=1).to(each.dtype)
    total = n.sum() if n.sum() > 0 else torch.ones(())
    if loss_agg_mode == "token-mean":
        weights = (1 / total).expand_as(each)
    else:
        rows = torch.clamp((n > 0).sum(), min=1)
        weights = torch.ones_like(each) / rows
        if loss_agg_mode == "seq-mean-token-mean":
            weights = weights / n.clamp(min=1).unsqueeze(1)
    return (each * weights).sum(), worse.sum() / total
