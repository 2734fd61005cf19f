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
    # region blank: log-probabilities (B, C) in float32 or wider, exact for large logits too
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    shifted = wide - wide.amax(dim=-1, keepdim=True)
    logprobs = shifted - shifted.exp().sum(dim=-1, keepdim=True).log()
    # endregion
    # region blank: the loss of each row against its target, an index that is ignored replaced by a valid one
    counted = target != ignore_index
    index = target.masked_fill(~counted, 0).unsqueeze(-1)
    losses = -logprobs.gather(-1, index).squeeze(-1)
    # endregion
    # region blank: label smoothing, in a way that leaves banned classes alone where there is none
    if label_smoothing > 0:
        losses = (1 - label_smoothing) * losses - label_smoothing * logprobs.mean(dim=-1)
    # endregion
    # region blank: ignored rows give 0; reduce, cast back
    losses = losses.masked_fill(~counted, 0.0)
    if reduction == "sum":
        losses = losses.sum()
    elif reduction == "mean":
        losses = losses.sum() / counted.sum().clamp(min=1)
    return losses.to(logits.dtype)
    # endregion
