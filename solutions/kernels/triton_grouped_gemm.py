"""Grouped matrix product of a mixture of experts as one Triton kernel; the groups are found on the GPU.

Source: Gale, Narayanan, Young, Zaharia 2022 (arXiv:2211.15841), section 5: sorted tokens, ragged groups, no padding.
Dimensions: x is total × k, w is num_experts × n × k; expert e owns rows offsets[e] to offsets[e + 1] of x.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def grouped_kernel(
    x_ptr,
    w_ptr,
    offsets_ptr,
    out_ptr,
    n,
    k,
    num_experts,
    x_row_stride,
    x_col_stride,
    w_expert_stride,
    w_row_stride,
    w_col_stride,
    EXPERTS: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Write the row tile `program_id(1)` and the column tile `program_id(0)` of the output.

    Row tiles are counted through the groups: those of expert 0 first, then those of expert 1, and so on.

    Args:
        x_ptr: (total, k), any strides.
        w_ptr: (num_experts, n, k), any strides.
        offsets_ptr: (num_experts + 1,), int64, contiguous.
        out_ptr: (total, n), contiguous.
        EXPERTS: a power of two, not below num_experts.
        BLOCK_M, BLOCK_N, BLOCK_K: the sides of the tiles, powers of two from 16 on.
    """
    # region blank: whose tile it is: count the tiles of all experts; programs beyond the last tile have nothing to do
    tile = tl.program_id(1)
    e = tl.arange(0, EXPERTS)
    begins = tl.load(offsets_ptr + e, mask=e < num_experts, other=0)
    ends = tl.load(offsets_ptr + e + 1, mask=e < num_experts, other=0)
    tiles = (ends - begins + BLOCK_M - 1) // BLOCK_M  # (EXPERTS,), none for an empty group
    passed = tl.cumsum(tiles, 0) <= tile  # experts whose tiles all come before this one
    expert = tl.sum(passed.to(tl.int32), 0)
    if expert >= num_experts:
        return
    # endregion
    # region blank: its rows, which end where the group ends
    first = tl.load(offsets_ptr + expert) + (tile - tl.sum(tl.where(passed, tiles, 0), 0)) * BLOCK_M
    i = first + tl.arange(0, BLOCK_M)  # int64
    mine = i < tl.load(offsets_ptr + expert + 1)
    # endregion
    # region blank: x · wᵀ of this expert, accumulated in float32
    j = (tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)).to(tl.int64)
    depth = tl.arange(0, BLOCK_K)
    x_ptrs = x_ptr + i[:, None] * x_row_stride + depth[None, :] * x_col_stride  # (BLOCK_M, BLOCK_K)
    w_ptr += expert.to(tl.int64) * w_expert_stride
    w_ptrs = w_ptr + j[None, :] * w_row_stride + depth[:, None] * w_col_stride  # (BLOCK_K, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, k, BLOCK_K):
        left = depth < k - start
        x = tl.load(x_ptrs, mask=mine[:, None] & left[None, :], other=0.0)
        w = tl.load(w_ptrs, mask=left[:, None] & (j < n)[None, :], other=0.0)
        total = tl.dot(x, w, total, input_precision="ieee")
        x_ptrs += BLOCK_K * x_col_stride
        w_ptrs += BLOCK_K * w_col_stride
    inside = mine[:, None] & (j < n)[None, :]
    tl.store(out_ptr + i[:, None] * n + j[None, :], total.to(out_ptr.dtype.element_ty), mask=inside)
    # endregion


def grouped_gemm(
    x: Tensor, w: Tensor, offsets: Tensor, block_m: int = 128, block_n: int = 128, block_k: int = 64
) -> Tensor:
    """Return, for each expert e, the rows offsets[e] to offsets[e + 1] of x times the transpose of w[e].

    Args:
        x: (total, k), float32, float16 or bfloat16, any strides; its rows sorted by expert.
        w: (num_experts, n, k), the dtype of x, any strides.
        offsets: (num_experts + 1,), int64; from 0 to total, never falling. Stays on the device.
        block_m, block_n, block_k: the sides of the tiles, powers of two from 16 on.
    Returns:
        (total, n), the dtype of x.
    """
    # region blank: as many programs as there can be tiles, for any offsets
    (total, k), (num_experts, n, _) = x.shape, w.shape
    out = torch.empty((total, n), dtype=x.dtype, device=x.device)
    most = total // block_m + num_experts  # row tiles: each group fills at most one of them in part
    grouped_kernel[(triton.cdiv(n, block_n), most)](
        *(x, w, offsets, out, n, k, num_experts),
        *(*x.stride(), *w.stride()),
        EXPERTS=triton.next_power_of_2(num_experts),
        BLOCK_M=block_m,
        BLOCK_N=block_n,
        BLOCK_K=block_k,
        num_warps=8 if block_m * block_n >= 128 * 128 else 4,
        num_stages=3 if x.element_size() == 2 else 1,  # 3 · (128 + 128) · 64 · 2 bytes of shared memory
    )
    return out
    # endregion
