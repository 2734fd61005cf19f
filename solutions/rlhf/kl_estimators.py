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
    # region blank: the log-ratio of the policy to the reference, a constant
    log_ratio = log_prob - ref_log_prob.detach()
    # endregion
    if kind == "k1":
        # region blank: unbiased, of either sign
        return log_ratio
        # endregion
    if kind == "k2":
        # region blank: biased, never negative
        return 0.5 * log_ratio.square()
        # endregion
    if kind == "k3":
        # region blank: unbiased, never negative, and exact where the policies almost agree
        return torch.expm1(-log_ratio) + log_ratio
        # endregion
    raise ValueError(f"kind must be k1, k2 or k3, not {kind!r}")
