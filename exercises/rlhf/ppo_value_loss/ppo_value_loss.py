# Generated from solutions/rlhf/ppo_value_loss.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: ppo_value_loss")
