"""verl's advantages and returns by GAE, `verl.trainer.ppo.core_algos.compute_gae_advantage_return`.

The estimator is that of Schulman et al. 2015 (arXiv:1506.02438). Dimensions: B batch, L response length.
"""

import torch
from torch import Tensor


def compute_gae_advantage_return(
    token_level_rewards: Tensor, values: Tensor, response_mask: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Return whitened advantages and returns; the chain of estimates skips the tokens outside the mask.

    Args:
        token_level_rewards: (B, L).
        values: (B, L), of the state before each token.
        response_mask: (B, L) int64, 1 at the policy's own tokens, 0 at those of tools and at padding.
        gamma: discount.
        lam: weight of longer estimates.
    Returns:
        advantages: (B, L), whitened over the mask.
        returns: (B, L), from the advantages before that. Neither has a gradient.
    Raises:
        ValueError: fewer than two tokens in the mask.
    """
    # region blank: backwards in time; a token outside the mask hands on what came from behind it
    rewards, values = token_level_rewards.detach(), values.detach()
    own = response_mask > 0
    next_value = running = values.new_zeros(len(values))  # (B,)
    advantages = torch.empty_like(values)
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        running = torch.where(own[:, t], delta + gamma * lam * running, running)
        next_value = torch.where(own[:, t], values[:, t], next_value)
        advantages[:, t] = running
    # endregion
    # region blank: returns come before whitening
    returns = advantages + values
    # endregion
    # region blank: mean and unbiased variance over the mask whiten every entry
    if own.sum() < 2:
        raise ValueError("a variance needs at least two tokens")
    chosen = advantages[own]
    return (advantages - chosen.mean()) * torch.rsqrt(chosen.var() + 1e-8), returns
    # endregion
