# Generated from solutions/functions/focal_loss.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: focal_loss")
