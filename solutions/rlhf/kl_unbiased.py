"""KL estimates whose value, or also whose gradient, is unbiased.

Sources: http://joschu.net/blog/kl-approx.html (k2, k3), arXiv:2510.01555 (their gradients), arXiv:2512.02556, section
3.1, equation 7 (off policy). Dimensions: B batch, T sequence.
"""

import torch
from torch import Tensor


def unbiased_kl(
    log_prob: Tensor, old_log_prob: Tensor | None, ref_log_prob: Tensor, response_mask: Tensor, mode: str
) -> Tensor:
    """Return an estimate of KL(policy || reference), averaged over the response tokens.

    Args:
        log_prob, old_log_prob, ref_log_prob: (B, T), of the sampled tokens under the trained, the sampling and the
            reference policy; old_log_prob is needed off policy alone.
        response_mask: (B, T) bool, True at the tokens that count.
        mode: "value", "grad_on_policy" or "grad_off_policy".
    Returns:
        (); with "value" without gradient, else gradients reach log_prob alone.
    Raises:
        ValueError: the mode is another one.
    """
    # region blank: k3 of each token against a constant reference; 0 at padding
    log_ratio = (log_prob - ref_log_prob.detach()).masked_fill(~response_mask, 0.0)  # (B, T)
    k3 = torch.expm1(-log_ratio) + log_ratio
    # endregion
    if mode == "value":
        # region blank: a number to watch
        estimate = k3.detach()
        # endregion
    elif mode == "grad_on_policy":
        # region blank: the value of k3 with the gradient of k2
        k2 = 0.5 * log_ratio.square()
        estimate = k2 - k2.detach() + k3.detach()
        # endregion
    elif mode == "grad_off_policy":
        # region blank: k3 weighted by how much likelier the token has become since it was sampled
        drift = (log_prob - old_log_prob.detach()).masked_fill(~response_mask, 0.0)
        estimate = drift.exp() * k3
        # endregion
    else:
        raise ValueError(f"unknown mode {mode!r}")
    # region blank: the mean over the response tokens
    return estimate.sum() / response_mask.sum().clamp(min=1)
    # endregion
