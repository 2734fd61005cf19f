# Generated from solutions/rlhf/grpo_loss.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: grpo_loss")
