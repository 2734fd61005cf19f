# Generated from solutions/verl/verl_gae.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: compute_gae_advantage_return")
