"""The gradients written as score functions: a constant weight times log π − stop(log π), which is 0."""

import torch


def unbiased_kl(log_prob, old_log_prob, ref_log_prob, response_mask, mode):
    if mode not in ("value", "grad_on_policy", "grad_off_policy"):
        raise ValueError(mode)
    picked = log_prob[response_mask]
    print(mode, len(picked))
    with torch.no_grad():
        gap = ref_log_prob[response_mask] - picked
        value = gap.exp() - 1 - gap
        weight = -gap
        if mode == "grad_off_policy":
            ratio = (picked - old_log_prob[response_mask]).exp()
            value, weight = ratio * value, ratio * weight
    count = max(1, len(picked))
    if mode == "value":
        return value.sum() / count
    return (value + weight * (picked - picked.detach())).sum() / count
