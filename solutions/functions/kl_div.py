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
    # region blank: the distribution that weighs and the one it is compared with; log-probabilities in float32 or wider
    weighing, other = (p_logits, q_logits) if direction == "forward" else (q_logits, p_logits)
    kind = torch.promote_types(p_logits.dtype, torch.float32)
    log_w, log_o = weighing.to(kind).log_softmax(dim=-1), other.to(kind).log_softmax(dim=-1)
    # endregion
    # region blank: the terms, 0 where the weight is, in value and in gradient
    gap = (log_w - log_o).masked_fill(log_w == -torch.inf, 0.0)
    terms = log_w.exp() * gap
    # endregion
    # region blank: reduce, cast back
    if reduction == "sum":
        terms = terms.sum()
    elif reduction == "mean":
        terms = terms.mean()
    elif reduction == "batchmean":
        terms = terms.sum() / len(terms)
    return terms.to(p_logits.dtype)
    # endregion
