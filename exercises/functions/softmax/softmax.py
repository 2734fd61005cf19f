# Generated from solutions/functions/softmax.py; do not edit. thinkllm dev render
"""Softmax and log-softmax that are stable for logits of any size.

Source: Goodfellow, Bengio, Courville, Deep Learning, section 4.1.
"""

import torch
from torch import Tensor


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return exp(x) normalised to sum to one along dim.

    Args:
        x: float32, float16 or bfloat16, any shape, () too.
        dim: the dimension to normalise.
    Returns:
        Shape and dtype of x.
    """
    raise NotImplementedError("blank 1: softmax")


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return the logarithm of softmax(x) along dim, exact also where the probability underflows.

    Args:
        x: float32, float16 or bfloat16, any shape, () too.
        dim: the dimension to normalise.
    Returns:
        Shape and dtype of x.
    """
    raise NotImplementedError("blank 2: log_softmax")
