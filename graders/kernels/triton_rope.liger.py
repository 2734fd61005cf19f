"""RoPE of Liger-Kernel, in the dtype of cos and sin; where heads lie before tokens in memory it turns copies."""

from liger_kernel.ops.rope import rope_backward, rope_forward
from torch import Tensor


def rope_(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, backward: bool = False) -> None:
    """Turn q and k in place by the angles of their positions; with `backward`, gradients of the turned q and k back."""
    turn = rope_backward if backward else rope_forward
    turned = turn(q, k, cos[None], sin[None])  # and for the forward pass cos and sin
    for x, y in zip((q, k), turned[:2], strict=True):
        if y.data_ptr() != x.data_ptr():
            x.copy_(y)
