# Generated from solutions/functions/cross_entropy_backward.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: cross_entropy_backward")
