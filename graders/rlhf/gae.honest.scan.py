"""A parallel scan: after k rounds each step has added up the 2ᵏ TD errors from it on."""

import torch.nn.functional as F


def gae(rewards, values, dones, gamma=0.99, lam=0.95):
    values = values.detach()
    alive = dones.logical_not().float()
    total = rewards.detach() + gamma * values[:, 1:] * alive - values[:, :-1]
    factor = gamma * lam * alive
    shift = 1
    while shift < total.shape[1]:
        later = F.pad(total[:, shift:], (0, shift))
        total = total + factor * later
        factor = factor * F.pad(factor[:, shift:], (0, shift))
        shift *= 2
    return total, total + values[:, :-1]
