"""Sigmoid focal loss, Lin et al. 2017 (arXiv:1708.02002), section 3."""

import torch
from torch import Tensor
from torch.nn import functional as F


def focal_loss(
    logits: Tensor, target: Tensor, alpha: float | None = 0.25, gamma: float = 2.0, reduction: str = "mean"
) -> Tensor:
    """Return −α_t (1 − p_t)^γ log p_t, where p_t is the probability of the right one of two answers.

    Args:
        logits: float32, float16 or bfloat16, any shape.
        target: 0 or 1, shape and dtype of logits.
        alpha: the weight of the positives, 1 − alpha that of the negatives; None for no weights.
        gamma: at least 0.
        reduction: "none", "sum" or "mean", the mean over all elements.
    Returns:
        The shape of logits for "none", otherwise (), in the dtype of logits.
    """
    # region blank: the logit of being right, in float32 (float64 stays)
    y = target.to(torch.promote_types(logits.dtype, torch.float32))
    right = (2 * y - 1) * logits
    # endregion
    # region blank: cross-entropy times (1 − p_t)^γ, whose gradient is finite at p_t = 1 for any γ
    losses = -F.logsigmoid(right) * torch.exp(gamma * F.logsigmoid(-right))
    # endregion
    # region blank: the weights of the two classes
    if alpha is not None:
        losses = losses * (alpha * y + (1 - alpha) * (1 - y))
    # endregion
    # region blank: reduce, cast back
    if reduction == "sum":
        losses = losses.sum()
    elif reduction == "mean":
        losses = losses.mean()
    return losses.to(logits.dtype)
    # endregion
