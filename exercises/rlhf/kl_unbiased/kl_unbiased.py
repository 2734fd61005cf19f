# Generated from solutions/rlhf/kl_unbiased.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: unbiased_kl")
