"""The loss of GRPO, Shao et al. 2024 (arXiv:2402.03300), section 4.1.1; averaged also as in Dr. GRPO and DAPO.

Dimensions: B responses, T tokens.
"""

import torch
from torch import Tensor


def grpo_loss(
    log_prob: Tensor,
    old_log_prob: Tensor | None,
    ref_log_prob: Tensor,
    advantages: Tensor,
    response_mask: Tensor,
    clip_eps: float = 0.2,
    beta: float = 0.04,
    agg: str = "seq-mean-token-mean",
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss of a batch of responses, and two numbers to watch.

    Args:
        log_prob, old_log_prob, ref_log_prob: (B, T), of the sampled tokens under the trained, the sampling and the
            reference policy; None for old_log_prob where the trained policy did the sampling.
        advantages: (B,).
        response_mask: (B, T) bool, True at the tokens that count.
        clip_eps: how far the ratio may leave 1 in the policy's favour.
        beta: weight of the KL to the reference.
        agg: "seq-mean-token-mean", "token-mean" or "seq-mean-token-sum-norm".
    Returns:
        loss: (); gradients reach log_prob alone.
        kl: (), mean of k3 over the tokens; without gradient.
        clip_frac: (), fraction of the tokens whose surrogate was clipped.
    Raises:
        ValueError: the aggregation is another one.
    """
    # region blank: the plain and the clipped surrogate of each token; padding is made harmless
    old_log_prob = (log_prob if old_log_prob is None else old_log_prob).detach()
    ratio = (log_prob - old_log_prob).masked_fill(~response_mask, 0.0).exp()  # (B, T)
    weights = advantages.detach().unsqueeze(1)  # (B, 1)
    plain = ratio * weights
    clipped = ratio.clamp(1 - clip_eps, 1 + clip_eps) * weights
    # endregion
    # region blank: the KL estimate k3, and the loss of each token
    gap = (ref_log_prob.detach() - log_prob).masked_fill(~response_mask, 0.0)
    k3 = torch.expm1(gap) - gap
    losses = (beta * k3 - torch.minimum(plain, clipped)).masked_fill(~response_mask, 0.0)
    # endregion
    # region blank: how many tokens and responses count, and the three ways to average
    lengths = response_mask.sum(dim=1)  # (B,)
    tokens = lengths.sum().clamp(min=1)
    responses = (lengths > 0).sum().clamp(min=1)
    if agg == "seq-mean-token-mean":
        loss = (losses.sum(dim=1) / lengths.clamp(min=1)).sum() / responses
    elif agg == "token-mean":
        loss = losses.sum() / tokens
    elif agg == "seq-mean-token-sum-norm":
        loss = losses.sum() / responses / losses.shape[1]
    else:
        raise ValueError(f"unknown aggregation {agg!r}")
    # endregion
    # region blank: what to watch
    return loss, k3.detach().sum() / tokens, (clipped < plain).sum() / tokens
    # endregion
