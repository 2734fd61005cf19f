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
    # region blank: the estimate by its name, without the "+"
    name = kl_penalty.removesuffix("+")
    gap = logprob - ref_logprob
    if name in ("kl", "k1"):
        estimate = gap
    elif name == "abs":
        estimate = gap.abs()
    elif name in ("mse", "k2"):
        estimate = 0.5 * gap.square()
    elif name in ("low_var_kl", "k3"):
        log_ratio = (-gap).clamp(max=20)  # reference over policy; the lower bounds would never show
        estimate = (torch.exp(log_ratio) - log_ratio - 1).clamp(max=10)
    else:
        raise ValueError(f"unknown kl_penalty {kl_penalty!r}")
    # endregion
    # region blank: with a "+", this value and the gradient of k2
    if name == kl_penalty:
        return estimate
    k2 = 0.5 * gap.square()
    return estimate.detach() + (k2 - k2.detach())
    # endregion
