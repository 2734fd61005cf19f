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
    # region blank: refuse shapes that would only broadcast
    if pred.shape != target.shape:
        raise ValueError(f"pred has the shape {tuple(pred.shape)}, target {tuple(target.shape)}")
    # endregion
    # region blank: differences in float32 or wider, 0 where the mask is False
    kind = torch.promote_types(pred.dtype, torch.float32)
    diff = pred.to(kind) - target
    counted = torch.ones_like(diff, dtype=torch.bool) if mask is None else mask.expand(diff.shape)
    diff = diff.masked_fill(~counted, 0.0)  # before the square, whose gradient at NaN is NaN
    # endregion
    # region blank: square, reduce, cast back
    losses = diff.square()
    if reduction == "sum":
        losses = losses.sum()
    elif reduction == "mean":
        losses = losses.sum() / counted.sum().clamp(min=1)
    return losses.to(pred.dtype)
    # endregion
