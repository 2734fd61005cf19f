"""Dropout, Hinton et al. 2012 (arXiv:1207.0580), in the inverted form: scaled in training, the identity afterwards."""

import torch
from torch import Tensor


def dropout(x: Tensor, uniforms: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Return x with entries set to 0 with probability p, the others scaled so that the expectation stays.

    Args:
        x: any shape, float32, float16 or bfloat16.
        uniforms: like x, float32 in [0, 1); an entry is dropped where its number is below p.
        p: 0 to 1.
        training: if False, x comes back as it is.
    Returns:
        Shape and dtype of x.
    Raises:
        ValueError: p is not in 0 to 1.
    """
    # region blank: refuse a p that is no probability; nothing is dropped in evaluation
    if not 0 <= p <= 1:
        raise ValueError(f"p must be between 0 and 1, not {p}")
    if not training:
        return x
    # endregion
    # region blank: with p = 1 nothing stays, and there is nothing to divide by
    if p == 1:
        return x * 0.0
    # endregion
    # region blank: scale what stays, 0 elsewhere; the graph keeps `keep`, one byte an entry
    keep = uniforms >= p
    return torch.where(keep, x / (1 - p), 0.0)
    # endregion
