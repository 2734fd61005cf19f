# Generated from solutions/kernels/triton_vector_add.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: bias_gelu_kernel")


def bias_gelu(x: Tensor, bias: Tensor, block: int = 1024) -> Tensor:
    """Return gelu(x + bias), by tanh, computed by a kernel that touches at most `block` elements at once.

    Args:
        x: (n, d), float32, float16 or bfloat16, any strides.
        bias: (d,), the dtype of x, any stride.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of x.
    """
    raise NotImplementedError("blank 2: bias_gelu")
