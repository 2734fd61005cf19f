"""An autograd function for the straight-through estimate; where in place of masked_fill; a dot product for the mean."""

import torch


class _K3WithGradientOfK2(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.exp(-x) + (x - 1)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0]


def unbiased_kl(log_prob, old_log_prob, ref_log_prob, response_mask, mode):
    nothing = torch.zeros((), dtype=log_prob.dtype)
    new = torch.where(response_mask, log_prob, nothing)
    ref = torch.where(response_mask, ref_log_prob, nothing).detach()
    weights = response_mask.to(new.dtype)
    weights = (weights / weights.sum().clamp_min(1)).flatten()
    if mode == "grad_on_policy":
        per_token = _K3WithGradientOfK2.apply(new - ref)
    elif mode == "value":
        with torch.no_grad():
            per_token = torch.exp(ref - new) - 1 - (ref - new)
    elif mode == "grad_off_policy":
        old = torch.where(response_mask, old_log_prob, nothing).detach()
        # ρ · k3 = exp(ref − old) − ρ · (1 + ref − new)
        per_token = torch.exp(ref - old) - torch.exp(new - old) * (1 + ref - new)
    else:
        raise ValueError(f"mode {mode}")
    return torch.dot(per_token.flatten(), weights)
