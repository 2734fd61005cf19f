# Generated from solutions/rlhf/kl_estimators.py; do not edit. thinkllm dev render
"""Three estimators of a KL divergence from samples, Schulman 2020, http://joschu.net/blog/kl-approx.html."""

import torch
from torch import Tensor


def kl_estimate(log_prob: Tensor, ref_log_prob: Tensor, kind: str) -> Tensor:
    """Return an estimate of KL(policy || reference) from each token that the policy sampled.

    Args:
        log_prob: (...), of the sampled tokens under the policy.
        ref_log_prob: (...), the same under the reference.
        kind: "k1", "k2" or "k3".
    Returns:
        (...); gradients reach log_prob alone.
    Raises:
        ValueError: the kind is another one.
    """
    raise NotImplementedError("blank 1: kl_estimate")
