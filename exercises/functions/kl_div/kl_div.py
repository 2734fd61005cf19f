# Generated from solutions/functions/kl_div.py; do not edit. thinkllm dev render
"""Kullback–Leibler divergence of two categorical distributions given by logits, in either direction.

Sources: torch.nn.KLDivLoss; Gu et al. 2023 (arXiv:2306.08543), section 2.
Dimensions: B batch, C classes.
"""

import torch
from torch import Tensor


def kl_div(p_logits: Tensor, q_logits: Tensor, direction: str = "forward", reduction: str = "batchmean") -> Tensor:
    """Return KL(p ‖ q), or KL(q ‖ p) in the reverse direction.

    Args:
        p_logits: (B, ..., C), float32, float16 or bfloat16.
        q_logits: shape and dtype of p_logits.
        direction: "forward" for KL(p ‖ q), "reverse" for KL(q ‖ p).
        reduction: "none", "sum", "mean" over all terms, or "batchmean", the sum divided by B.
    Returns:
        (B, ..., C) for "none", otherwise (), in the dtype of p_logits.
    """
    raise NotImplementedError("blank 1: kl_div")
