"""Binary cross-entropy from logits, with soft targets and a weight of the positive class.

Source: torch.nn.BCEWithLogitsLoss.
"""

import torch
from torch import Tensor


def _softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)), which never overflows; its gradient is σ(x), ½ at 0 too."""
    # region blank: the larger of x and 0, plus a logarithm that is between 0 and ln 2; mind the gradient at 0
    return torch.maximum(x, torch.zeros_like(x)) + torch.log1p(torch.exp(-x.abs()))
    # endregion


def bce_with_logits(
    logits: Tensor, target: Tensor, pos_weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Return −w · y · log σ(x) − (1 − y) · log(1 − σ(x)), reduced.

    Args:
        logits: x, float32, float16 or bfloat16, any shape.
        target: y in [0, 1], shape and dtype of logits.
        pos_weight: w, dtype of logits, broadcasts to their shape; 1 if None.
        reduction: "none", "sum" or "mean", the mean over all elements.
    Returns:
        The shape of logits for "none", otherwise (), in the dtype of logits.
    """
    # region blank: −log σ(x) and −log(1 − σ(x)) in float32 or wider, both as a softplus
    x = logits.to(torch.promote_types(logits.dtype, torch.float32))
    y = target.to(x.dtype)
    losses_if_positive, losses_if_negative = _softplus(-x), _softplus(x)
    # endregion
    # region blank: weigh them by the target and the positive ones by pos_weight
    if pos_weight is not None:
        losses_if_positive = losses_if_positive * pos_weight
    losses = y * losses_if_positive + (1 - y) * losses_if_negative
    # endregion
    # region blank: reduce, cast back
    if reduction == "sum":
        losses = losses.sum()
    elif reduction == "mean":
        losses = losses.mean()
    return losses.to(logits.dtype)
    # endregion
