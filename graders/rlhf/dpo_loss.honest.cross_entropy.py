"""Token log-probabilities by cross_entropy with an ignored index; the loss by softplus, ratios grouped by model."""

import torch
import torch.nn.functional as F


def sequence_logps(logits, labels, mask):
    target = torch.where(mask, labels, -100)
    target = torch.cat([target[:, 1:], target.new_full((target.shape[0], 1), -100)], dim=1)
    nll = F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), ignore_index=-100, reduction="none")
    return nll.view_as(labels).sum(1).neg()


def dpo_loss(
    policy_chosen_logps, policy_rejected_logps, ref_chosen_logps, ref_rejected_logps, beta=0.1, label_smoothing=0.0
):
    with torch.no_grad():
        ref_logratios = ref_chosen_logps - ref_rejected_logps
        chosen_rewards = beta * (policy_chosen_logps - ref_chosen_logps)
        rejected_rewards = beta * (policy_rejected_logps - ref_rejected_logps)
    h = beta * ((policy_chosen_logps - policy_rejected_logps) - ref_logratios)
    loss = torch.mean((1.0 - label_smoothing) * F.softplus(-h) + label_smoothing * F.softplus(h))
    return loss, chosen_rewards, rejected_rewards
