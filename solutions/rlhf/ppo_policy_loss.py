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
    # region blank: log-ratio and advantage of each token, constants detached, padding made harmless
    log_ratio = (log_prob - old_log_prob.detach()).masked_fill(~response_mask, 0.0)  # (B, T)
    advantages = advantages.detach().masked_fill(~response_mask, 0.0)
    # endregion
    # region blank: the plain and the clipped surrogate
    ratio = log_ratio.exp()
    plain = ratio * advantages
    clipped = ratio.clamp(1 - clip_eps, 1 + clip_eps) * advantages
    # endregion
    # region blank: the pessimistic one of the two as a loss, and what to watch, as means over the tokens
    tokens = response_mask.sum().clamp(min=1)
    loss = -torch.minimum(plain, clipped).sum() / tokens
    clip_frac = (clipped < plain).sum() / tokens
    approx_kl = -log_ratio.detach().sum() / tokens
    return loss, clip_frac, approx_kl
    # endregion
