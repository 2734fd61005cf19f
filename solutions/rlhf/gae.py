"""Generalized advantage estimation, Schulman et al. 2015 (arXiv:1506.02438), section 3, equations 11 to 16.

Dimensions: B batch, T steps.
"""

import torch
from torch import Tensor


def gae(
    rewards: Tensor, values: Tensor, dones: Tensor, gamma: float = 0.99, lam: float = 0.95
) -> tuple[Tensor, Tensor]:
    """Return the advantages and the returns of a batch of rows of steps.

    Args:
        rewards: (B, T).
        values: (B, T + 1); the last column is the bootstrap, the value of the state after the last step.
        dones: (B, T) bool, True where the episode ended with the step.
        gamma: discount.
        lam: weight of longer estimates: 0 for one-step TD errors, 1 for Monte-Carlo returns less the values.
    Returns:
        advantages, returns: (B, T) each, without gradient.
    """
    # region blank: one-step TD errors of constants; no value enters across the end of an episode
    rewards, values = rewards.detach(), values.detach()
    alive = ~dones  # (B, T)
    deltas = rewards + gamma * values[:, 1:] * alive - values[:, :-1]
    # endregion
    # region blank: discount and add them up backwards in time; the end of an episode cuts here too
    advantages = torch.empty_like(deltas)
    running = deltas.new_zeros(deltas.shape[0])  # (B,)
    for t in reversed(range(deltas.shape[1])):
        running = deltas[:, t] + gamma * lam * running * alive[:, t]
        advantages[:, t] = running
    # endregion
    # region blank: what the value function is trained on, beside the advantages
    return advantages, advantages + values[:, :-1]
    # endregion
