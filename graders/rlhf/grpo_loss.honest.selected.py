"""The tokens that count as one flat list, each with the weight that its aggregation gives it; k3 by the formula."""

import torch


def grpo_loss(
    log_prob, old_log_prob, ref_log_prob, advantages, response_mask, clip_eps=0.2, beta=0.04, agg="seq-mean-token-mean"
):
    rows, columns = response_mask.nonzero(as_tuple=True)
    new = log_prob[rows, columns]
    print("tokens", len(new))
    lengths = torch.bincount(rows, minlength=len(log_prob)).float()
    many = max(1, int((lengths > 0).sum()))
    if agg == "token-mean":
        weight = torch.full_like(new, 1 / max(1, len(new)))
    elif agg == "seq-mean-token-mean":
        weight = 1 / (lengths[rows] * many)
    elif agg == "seq-mean-token-sum-norm":
        weight = torch.full_like(new, 1 / (many * log_prob.shape[1]))
    else:
        raise ValueError(agg)
    with torch.no_grad():
        old = new.clone() if old_log_prob is None else old_log_prob[rows, columns]
        ref, adv = ref_log_prob[rows, columns], advantages[rows]
    ratio = torch.exp(new - old)
    bounded = torch.clamp(ratio, 1.0 - clip_eps, 1.0 + clip_eps)
    surrogate = torch.max(-adv * ratio, -adv * bounded)
    kl = torch.exp(ref - new) - (ref - new) - 1
    loss = torch.dot(surrogate + beta * kl, weight)
    with torch.no_grad():
        each = 1 / max(1, len(new))
        return loss, kl.sum() * each, (-adv * bounded > -adv * ratio).float().sum() * each
