# Generated from solutions/nn/dropout.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: dropout")
