"""The clipped value loss of PPO: the squared error of Schulman et al. 2017 (arXiv:1707.06347) with its code's clip.

Dimensions: B batch, T sequence.
"""

import torch
from torch import Tensor


def ppo_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, response_mask: Tensor, clip_eps: float = 0.2
) -> tuple[Tensor, Tensor]:
    """Return the clipped value loss, averaged over the response tokens, and how often the clip had an effect.

    Args:
        values, old_values: (B, T), what the critic says now, and what it said during the rollout.
        returns: (B, T), the targets.
        response_mask: (B, T) bool, True at the tokens that count.
        clip_eps: how far a value may move from the old one in its favour.
    Returns:
        loss: (); gradients reach values alone.
        clip_frac: (), fraction of the tokens whose error the clip made larger.
    """
    # region blank: the values within reach of the old ones; targets and old values are constants
    old_values, returns = old_values.detach(), returns.detach()
    clipped = values.clamp(old_values - clip_eps, old_values + clip_eps)  # (B, T)
    # endregion
    # region blank: the larger of the two squared errors of each response token
    plain_error = (values - returns).square()
    clipped_error = (clipped - returns).square()
    losses = torch.maximum(plain_error, clipped_error).masked_fill(~response_mask, 0.0)
    # endregion
    # region blank: means over the response tokens
    tokens = response_mask.sum().clamp(min=1)
    clip_frac = ((clipped_error > plain_error) & response_mask).sum() / tokens
    return 0.5 * losses.sum() / tokens, clip_frac
    # endregion
