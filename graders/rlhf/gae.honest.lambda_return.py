"""The λ-return first, by its own recursion, collected in a list; the advantage is what it has over the value."""

import torch


def gae(rewards, values, dones, gamma=0.99, lam=0.95):
    with torch.no_grad():
        steps = rewards.size(1)
        target = values[:, steps]
        targets = []
        for t in range(steps - 1, -1, -1):
            ahead = (1 - lam) * values[:, t + 1] + lam * target
            target = rewards[:, t] + torch.where(dones[:, t], torch.zeros_like(ahead), gamma * ahead)
            targets.insert(0, target)
        returns = torch.stack(targets, dim=-1)
        return returns - values[:, :steps], returns
