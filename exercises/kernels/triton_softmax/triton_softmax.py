# Generated from solutions/kernels/triton_softmax.py; do not edit. thinkllm dev render
"""Row-wise softmax as one Triton kernel; a row of any length streams through one block.

Source: Milakov, Gimelshein 2018 (arXiv:1805.02867), section 3, algorithm 3.
Dimensions: n rows, d columns; one program a row.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def softmax_kernel(x_ptr, out_ptr, d, row_stride, col_stride, BLOCK: tl.constexpr):
    """Write the softmax of row `program_id(0)` of x to the same row of out, which is row-major.

    Args:
        x_ptr: (n, d), any strides, any floating-point type.
        out_ptr: (n, d), contiguous.
        d: columns, more or fewer than BLOCK.
        row_stride: elements of x from one row to the next.
        col_stride: elements of x from one column to the next.
        BLOCK: columns in registers at once, a power of two.
    """
    raise NotImplementedError("blank 1: softmax_kernel")


def softmax(x: Tensor, block: int = 1024) -> Tensor:
    """Return softmax(x, dim=-1), computed by a kernel that holds at most `block` elements at once.

    Args:
        x: (n, d), float32, float16 or bfloat16, any strides.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of x.
    """
    raise NotImplementedError("blank 2: softmax")
