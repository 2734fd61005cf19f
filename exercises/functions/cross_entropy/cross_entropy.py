# Generated from solutions/functions/cross_entropy.py; do not edit. thinkllm dev render
"""Cross-entropy of class indices from logits, with ignored targets and label smoothing.

Sources: torch.nn.CrossEntropyLoss; Szegedy et al. 2015 (arXiv:1512.00567), section 7.
Dimensions: B batch, C classes.
"""

import torch
from torch import Tensor


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Return −log softmax(logits) at the targets, reduced over those that are not ignored.

    Args:
        logits: (B, C), float32, float16 or bfloat16.
        target: (B,) int64, class indices or ignore_index.
        ignore_index: the target that does not count.
        label_smoothing: the share ε of the target distribution that is spread over all C classes.
        reduction: "none", "sum" or "mean", the mean over the targets that count.
    Returns:
        (B,) for "none", otherwise (), in the dtype of logits.
    """
    raise NotImplementedError("blank 1: cross_entropy")
