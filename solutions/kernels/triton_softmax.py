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
    row = tl.program_id(0).to(tl.int64)  # row * row_stride may pass 2³¹
    x_ptr += row * row_stride
    out_ptr += row * d
    # region blank: first pass: the running maximum, and the running sum of exponentials relative to it
    peak = -float("inf")
    total = 0.0
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + cols * col_stride, mask=cols < d, other=-float("inf")).to(tl.float32)
        new_peak = tl.maximum(peak, tl.max(x, 0))
        shift = tl.where(new_peak == -float("inf"), 0.0, new_peak)  # nothing but −inf so far: −inf − (−inf) is NaN
        total = total * tl.exp(peak - shift) + tl.sum(tl.exp(x - shift), 0)
        peak = new_peak
    # endregion
    # region blank: second pass: normalise block by block and store
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        inside = cols < d
        logits = tl.load(x_ptr + cols * col_stride, mask=inside).to(tl.float32)
        tl.store(out_ptr + cols, tl.exp(logits - peak) / total, mask=inside)
    # endregion


def softmax(x: Tensor, block: int = 1024) -> Tensor:
    """Return softmax(x, dim=-1), computed by a kernel that holds at most `block` elements at once.

    Args:
        x: (n, d), float32, float16 or bfloat16, any strides.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of x.
    """
    # region blank: allocate a row-major output and launch one program a row
    n, d = x.shape
    out = torch.empty((n, d), dtype=x.dtype, device=x.device)
    softmax_kernel[(n,)](x, out, d, x.stride(0), x.stride(1), BLOCK=block)
    return out
    # endregion
