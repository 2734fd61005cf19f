"""Softmax of Liger-Kernel: a row of up to 65536 columns in one block."""

from liger_kernel.ops.softmax import LigerSoftmaxFunction
from torch import Tensor


def softmax(x: Tensor, block: int = 1024) -> Tensor:
    """Return softmax(x, dim=-1)."""
    out: Tensor = LigerSoftmaxFunction.apply(x)
    return out
