# Generated from solutions/rlhf/ppo_policy_loss.py; do not edit. thinkllm dev render
"""The clipped policy loss of PPO, Schulman et al. 2017 (arXiv:1707.06347), section 3, equation 7.

Dimensions: B batch, T sequence.
"""

import torch
from torch import Tensor


def ppo_policy_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantages: Tensor, response_mask: Tensor, clip_eps: float = 0.2
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the clipped policy loss, averaged over the response tokens, and two numbers to watch.

    Args:
        log_prob, old_log_prob: (B, T), of the sampled tokens under the trained and under the sampling policy.
        advantages: (B, T).
        response_mask: (B, T) bool, True at the tokens that count.
        clip_eps: how far the ratio may leave 1 in the policy's favour.
    Returns:
        loss: (); gradients reach log_prob alone.
        clip_frac: (), fraction of the tokens whose surrogate was clipped; without gradient.
        approx_kl: (), mean of old_log_prob - log_prob; without gradient.
    """
    raise NotImplementedError("blank 1: ppo_policy_loss")
