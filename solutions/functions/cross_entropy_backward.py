"""The gradient of softmax and cross-entropy together, written by hand.

Sources: torch.nn.CrossEntropyLoss; Szegedy et al. 2015 (arXiv:1512.00567), section 7.
Dimensions: B batch, C classes.
"""

import torch
from torch import Tensor


def cross_entropy_backward(
    grad_out: Tensor,
    logits: Tensor,
    target: Tensor,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Return the gradient of the logits: probabilities minus target distribution, scaled.

    Args:
        grad_out: the gradient of the loss, () or, for reduction "none", (B,); dtype of logits.
        logits: (B, C), float32, float16 or bfloat16.
        target: (B,) int64, class indices or ignore_index.
        ignore_index: the target that does not count.
        label_smoothing: the share ε of the target distribution that is spread over all C classes.
        reduction: "none", "sum" or "mean", the mean over the targets that count.
    Returns:
        (B, C), dtype of logits.
    """
    # region blank: softmax of the logits in float32 or wider, stable
    grad = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(dim=-1)
    # endregion
    # region blank: minus the smoothed target distribution, without a matrix for it
    counted = target != ignore_index
    index = target.masked_fill(~counted, 0).unsqueeze(-1)
    grad -= label_smoothing / logits.shape[-1]
    grad.scatter_add_(-1, index, grad.new_full(index.shape, label_smoothing - 1))
    # endregion
    # region blank: times the gradient of the loss of each row; ignored rows last, whatever they hold; cast back
    grad *= grad_out.unsqueeze(-1)
    if reduction == "mean":
        grad /= counted.sum()
    return grad.masked_fill(~counted.unsqueeze(-1), 0.0).to(logits.dtype)
    # endregion
