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
    # region blank: which tile: groups of GROUP_M rows of tiles (the last may have fewer), down each column of a group
    rows, cols = tl.cdiv(m, BLOCK_M), tl.cdiv(n, BLOCK_N)  # of tiles
    program = tl.program_id(0)
    group = program // (GROUP_M * cols)
    first_row = group * GROUP_M
    height = tl.minimum(rows - first_row, GROUP_M)
    within = program - first_row * cols
    row, col = first_row + within % height, within // height
    # endregion
    i = row * BLOCK_M + tl.arange(0, BLOCK_M)
    j = col * BLOCK_N + tl.arange(0, BLOCK_N)
    depth = tl.arange(0, BLOCK_K)
    # region blank: march along k, both tiles masked, and accumulate in float32
    i_wide, j_wide = i.to(tl.int64), j.to(tl.int64)  # a row number times a stride may pass 2³¹
    a_ptrs = a_ptr + i_wide[:, None] * a_row_stride + depth[None, :] * a_col_stride  # (BLOCK_M, BLOCK_K)
    b_ptrs = b_ptr + depth[:, None] * b_row_stride + j_wide[None, :] * b_col_stride  # (BLOCK_K, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, k, BLOCK_K):
        left = depth < k - start
        a = tl.load(a_ptrs, mask=(i < m)[:, None] & left[None, :], other=0.0)
        b = tl.load(b_ptrs, mask=left[:, None] & (j < n)[None, :], other=0.0)
        total = tl.dot(a, b, total, input_precision="ieee")  # float32 operands would be cut to TF32
        a_ptrs += BLOCK_K * a_col_stride
        b_ptrs += BLOCK_K * b_row_stride
    # endregion
    inside = (i < m)[:, None] & (j < n)[None, :]
    tl.store(out_ptr + i_wide[:, None] * n + j[None, :], total.to(out_ptr.dtype.element_ty), mask=inside)


def matmul(a: Tensor, b: Tensor, block_m: int = 128, block_n: int = 128, block_k: int = 64, group_m: int = 8) -> Tensor:
    """Return a · b, computed tile by tile.

    Args:
        a, b: (m, k) and (k, n), float32, float16 or bfloat16, any strides.
        block_m, block_n, block_k: the sides of the tiles, powers of two from 16 on.
        group_m: rows of tiles that are finished together.
    Returns:
        (m, n), the dtype of a.
    """
    # region blank: one program a tile
    (m, k), n = a.shape, b.shape[1]
    out = torch.empty((m, n), dtype=a.dtype, device=a.device)
    matmul_kernel[(triton.cdiv(m, block_m) * triton.cdiv(n, block_n),)](
        *(a, b, out, m, n, k),
        *(*a.stride(), *b.stride()),
        BLOCK_M=block_m,
        BLOCK_N=block_n,
        BLOCK_K=block_k,
        GROUP_M=group_m,
        num_warps=8 if block_m * block_n >= 128 * 128 else 4,
        num_stages=3 if a.element_size() == 2 else 1,  # 3 · (128 + 128) · 64 · 2 bytes of shared memory
    )
    return out
    # endregion
