"""Bias and GELU in one Triton kernel: the matrix is read once and written once.

Source: Hendrycks, Gimpel 2016 (arXiv:1606.08415), section 2, the approximation by tanh.
Dimensions: n rows, d columns; one program a block of a row.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def bias_gelu_kernel(x_ptr, bias_ptr, out_ptr, d, parts, BLOCK: tl.constexpr):
    """Write gelu(x + bias) for one block of one row; program p has block p mod parts of row p div parts.

    Args:
        x_ptr: (n, d), contiguous, any floating-point type.
        bias_ptr: (d,), contiguous.
        out_ptr: (n, d), contiguous.
        d: columns.
        parts: blocks a row, d / BLOCK rounded up.
        BLOCK: columns of a block, a power of two.
    """
    # region blank: from the program's number to its row and its columns; which of them exist
    program = tl.program_id(0)
    row = (program // parts).to(tl.int64)  # row * d may pass 2³¹
    cols = program % parts * BLOCK + tl.arange(0, BLOCK)
    inside = cols < d
    # endregion
    # region blank: load, add and apply GELU in float32, store
    x = tl.load(x_ptr + row * d + cols, mask=inside).to(tl.float32)
    z = x + tl.load(bias_ptr + cols, mask=inside).to(tl.float32)
    twice = 1.5957691216057308 * (z + 0.044715 * z * z * z)  # 2u; z / 2 · (1 + tanh u) = z · sigmoid(2u)
    tl.store(out_ptr + row * d + cols, z * tl.sigmoid(twice), mask=inside)
    # endregion


def bias_gelu(x: Tensor, bias: Tensor, block: int = 1024) -> Tensor:
    """Return gelu(x + bias), by tanh, computed by a kernel that touches at most `block` elements at once.

    Args:
        x: (n, d), float32, float16 or bfloat16, any strides.
        bias: (d,), the dtype of x, any stride.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of x.
    """
    # region blank: row-major inputs, an output, and one program for each block of each row
    x, bias = x.contiguous(), bias.contiguous()  # copies only what is not contiguous
    n, d = x.shape
    out = torch.empty_like(x)
    parts = triton.cdiv(d, block)
    bias_gelu_kernel[(n * parts,)](x, bias, out, d, parts, BLOCK=block)
    return out
    # endregion
