# Generated from solutions/verl/verl_kl_penalty.py; do not edit. thinkllm dev render
"""verl's estimates of the KL divergence per token, `verl.trainer.ppo.core_algos.kl_penalty`.

Source: Schulman 2020, http://joschu.net/blog/kl-approx.html. Dimensions: B batch, L response length.
"""

import torch
from torch import Tensor


def kl_penalty(logprob: Tensor, ref_logprob: Tensor, kl_penalty: str) -> Tensor:
    """Return an estimate of KL(policy ‖ reference) for each sampled token.

    Args:
        logprob: (B, L), of the sampled tokens under the policy.
        ref_logprob: (B, L), under the reference.
        kl_penalty: kl or k1, abs, mse or k2, low_var_kl or k3; with a "+" behind it the gradient is that of k2.
    Returns:
        (B, L).
    Raises:
        ValueError: unknown name.
    """
    raise NotImplementedError("blank 1: kl_penalty")
