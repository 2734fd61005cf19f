"""Policy term and KL term aggregated apart; the clip by sides; where in place of masked_fill."""

import torch

MODES = {
    "token-mean": lambda x, m: x.sum() / m.sum().clamp(min=1.0),
    "seq-mean-token-mean": lambda x, m: (
        torch.mv(x, x.new_ones(x.shape[1])).div(m.sum(-1).clamp(min=1.0)).sum().div(m.any(-1).sum().clamp(min=1))
    ),
    "seq-mean-token-sum-norm": lambda x, m: (x.sum(-1) / x.shape[-1]).sum() / m.any(-1).sum().clamp(min=1),
}


def grpo_loss(
    log_prob, old_log_prob, ref_log_prob, advantages, response_mask, clip_eps=0.2, beta=0.04, agg="seq-mean-token-mean"
):
    if agg not in MODES:
        raise ValueError("agg")
    zero = torch.zeros_like(log_prob)
    new = torch.where(response_mask, log_prob, zero)
    old = new.detach() if old_log_prob is None else torch.where(response_mask, old_log_prob, zero).detach()
    ref = torch.where(response_mask, ref_log_prob, zero).detach()
    adv = advantages.detach()[:, None].expand_as(new)
    ratio = (new - old).exp()
    up = ratio.clamp(max=1 + clip_eps)
    down = ratio.clamp(min=1 - clip_eps)
    policy = -torch.where(adv > 0, up, down) * adv
    policy = torch.where(response_mask, policy, zero)
    inverse = (ref - new).exp()
    k3 = inverse - 1 + (new - ref)
    mask = response_mask.float()
    loss = MODES[agg](policy, mask)
    if beta:
        loss = loss + beta * MODES[agg](k3, mask)
    hit = ((adv > 0) & (ratio > 1 + clip_eps)) | ((adv < 0) & (ratio < 1 - clip_eps))
    return loss, MODES["token-mean"](k3, mask).detach(), MODES["token-mean"](hit.float() * mask, mask)
