"""The label's logit minus a hand-written logsumexp, in chunks of rows; softplus from max and log1p."""

import torch


def _chunk(logits, labels, mask):
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    top = wide.detach().max(-1, keepdim=True).values
    lse = top.squeeze(-1) + torch.log(torch.einsum("btv->bt", torch.exp(wide - top)))
    batch, time = torch.meshgrid(torch.arange(wide.size(0)), torch.arange(wide.size(1)), indexing="ij")
    picked = wide[batch, time, labels.where(mask, torch.zeros_like(labels))]
    return torch.where(mask, picked - lse, torch.zeros_like(lse)).sum(-1)


def sequence_logps(logits, labels, mask):
    if logits.size(1) == 1:
        return torch.zeros(logits.size(0), dtype=torch.promote_types(logits.dtype, torch.float32))
    rows = zip(logits[:, :-1].split(1), labels[:, 1:].split(1), mask[:, 1:].split(1), strict=True)
    return torch.cat([_chunk(*row) for row in rows])


def _nll(h):
    return torch.clamp(-h, min=0) + torch.log1p(torch.exp(-h.abs()))


def dpo_loss(
    policy_chosen_logps, policy_rejected_logps, ref_chosen_logps, ref_rejected_logps, beta=0.1, label_smoothing=0.0
):
    chosen = policy_chosen_logps - ref_chosen_logps.data
    rejected = policy_rejected_logps - ref_rejected_logps.data
    h = chosen * beta - rejected * beta
    keep, flip = _nll(h), _nll(-h)
    loss = (keep + label_smoothing * (flip - keep)).sum() / len(h)
    return loss, (beta * chosen).detach(), (beta * rejected).detach()
