# Generated from solutions/kernels/triton_matmul.py; do not edit. thinkllm dev render
"""Matrix product as one Triton kernel: a tile of the output per program, tiles in an order that keeps panels in L2.

Source: the blocked product of Goto, van de Geijn 2008 (doi:10.1145/1356052.1356053), on tensor cores.
Dimensions: a is m × k, b is k × n; ⌈m / BLOCK_M⌉ · ⌈n / BLOCK_N⌉ programs.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def matmul_kernel(
    a_ptr,
    b_ptr,
    out_ptr,
    m,
    n,
    k,
    a_row_stride,
    a_col_stride,
    b_row_stride,
    b_col_stride,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
):
    """Write the tile of `program_id(0)` of a · b to out.

    Args:
        a_ptr, b_ptr: (m, k) and (k, n), any strides.
        out_ptr: (m, n), contiguous.
        BLOCK_M, BLOCK_N, BLOCK_K: the sides of the tiles, powers of two from 16 on.
        GROUP_M: rows of tiles that are finished together, column by column.
    """
    raise NotImplementedError("blank 1: matmul_kernel")


def matmul(a: Tensor, b: Tensor, block_m: int = 128, block_n: int = 128, block_k: int = 64, group_m: int = 8) -> Tensor:
    """Return a · b, computed tile by tile.

    Args:
        a, b: (m, k) and (k, n), float32, float16 or bfloat16, any strides.
        block_m, block_n, block_k: the sides of the tiles, powers of two from 16 on.
        group_m: rows of tiles that are finished together.
    Returns:
        (m, n), the dtype of a.
    """
    raise NotImplementedError("blank 2: matmul")
