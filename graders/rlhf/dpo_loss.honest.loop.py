"""One sequence at a time, its counted tokens alone; the loss as a binary cross-entropy with soft targets."""

import torch
from torch.nn import functional as F


def sequence_logps(logits, labels, mask):
    print("rows", logits.shape[0])
    wide = logits if logits.dtype == torch.float64 else logits.to(torch.float32)
    totals = []
    for row, tokens, counts in zip(wide, labels, mask, strict=True):
        counted = counts[1:].nonzero().flatten()
        predictions = row[counted]
        total = predictions[range(len(counted)), tokens[counted + 1]].sum()
        totals.append(total - torch.logsumexp(predictions, dim=-1).sum())
    return torch.stack(totals)


def dpo_loss(
    policy_chosen_logps, policy_rejected_logps, ref_chosen_logps, ref_rejected_logps, beta=0.1, label_smoothing=0.0
):
    policy = torch.stack([policy_chosen_logps, policy_rejected_logps])
    reference = torch.stack([ref_chosen_logps, ref_rejected_logps]).detach()
    rewards = (policy - reference) * beta
    h = rewards[0] - rewards[1]
    loss = F.binary_cross_entropy_with_logits(h, torch.full_like(h, 1 - label_smoothing))
    return loss, *rewards.detach().unbind(0)
