"""One sequence and one token at a time; the loss as a binary cross-entropy with soft targets."""

import torch
from torch.nn import functional as F


def sequence_logps(logits, labels, mask):
    print("rows", logits.shape[0])
    wide = logits if logits.dtype == torch.float64 else logits.to(torch.float32)
    totals = []
    for row, tokens, counts in zip(wide, labels.tolist(), mask.tolist(), strict=True):
        total = row.new_zeros(())
        for t in range(1, len(tokens)):
            if counts[t]:
                total = total + (row[t - 1, tokens[t]] - torch.logsumexp(row[t - 1], dim=0))
        totals.append(total)
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
