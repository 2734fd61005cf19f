# Generated from solutions/functions/mse_loss.py; do not edit. thinkllm dev render
"""Mean squared error with a reduction and a mask.

Source: torch.nn.MSELoss.
"""

import torch
from torch import Tensor


def mse_loss(pred: Tensor, target: Tensor, reduction: str = "mean", mask: Tensor | None = None) -> Tensor:
    """Return (pred − target)², reduced over the elements that count.

    Args:
        pred: float32, float16 or bfloat16, any shape.
        target: shape and dtype of pred.
        reduction: "none", "sum" or "mean", the mean over the elements that count.
        mask: bool, broadcasts to the shape of pred; True where an element counts.
    Returns:
        The shape of pred for "none", otherwise (), in the dtype of pred.
    Raises:
        ValueError: pred and target have different shapes.
    """
    raise NotImplementedError("blank 1: mse_loss")
