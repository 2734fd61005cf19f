"""Grouped matrix product in tiles of 16 × 16 × 16: right, and each token is read again for every 16 columns."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def grouped_kernel(
    x_ptr, w_ptr, offsets_ptr, out_ptr, n, k, num_experts,
    x_row_stride, x_col_stride, w_expert_stride, w_row_stride, w_col_stride,
    EXPERTS: tl.constexpr, SIDE: tl.constexpr,
):  # fmt: skip
    tile = tl.program_id(1)
    e = tl.arange(0, EXPERTS)
    begins = tl.load(offsets_ptr + e, mask=e < num_experts, other=0)
    ends = tl.load(offsets_ptr + e + 1, mask=e < num_experts, other=0)
    tiles = (ends - begins + SIDE - 1) // SIDE
    passed = tl.cumsum(tiles, 0) <= tile
    expert = tl.sum(passed.to(tl.int32), 0)
    if expert >= num_experts:
        return
    first = tl.load(offsets_ptr + expert) + (tile - tl.sum(tl.where(passed, tiles, 0), 0)) * SIDE
    i = first + tl.arange(0, SIDE)
    mine = i < tl.load(offsets_ptr + expert + 1)
    j = (tl.program_id(0) * SIDE + tl.arange(0, SIDE)).to(tl.int64)
    depth = tl.arange(0, SIDE)
    x_ptrs = x_ptr + i[:, None] * x_row_stride + depth[None, :] * x_col_stride
    w_ptr += expert.to(tl.int64) * w_expert_stride
    w_ptrs = w_ptr + j[None, :] * w_row_stride + depth[:, None] * w_col_stride
    total = tl.zeros((SIDE, SIDE), tl.float32)
    for start in range(0, k, SIDE):
        left = depth < k - start
        x = tl.load(x_ptrs, mask=mine[:, None] & left[None, :], other=0.0)
        w = tl.load(w_ptrs, mask=left[:, None] & (j < n)[None, :], other=0.0)
        total = tl.dot(x, w, total, input_precision="ieee")
        x_ptrs += SIDE * x_col_stride
        w_ptrs += SIDE * w_col_stride
    inside = mine[:, None] & (j < n)[None, :]
    tl.store(out_ptr + i[:, None] * n + j[None, :], total.to(out_ptr.dtype.element_ty), mask=inside)


def grouped_gemm(
    x: Tensor, w: Tensor, offsets: Tensor, block_m: int = 128, block_n: int = 128, block_k: int = 64
) -> Tensor:
    """Return, for each expert e, the rows offsets[e] to offsets[e + 1] of x times the transpose of w[e]."""
    (total, k), (num_experts, n, _) = x.shape, w.shape
    out = torch.empty((total, n), dtype=x.dtype, device=x.device)
    grouped_kernel[(triton.cdiv(n, 16), total // 16 + num_experts)](
        *(x, w, offsets, out, n, k, num_experts, *x.stride(), *w.stride()),
        **dict(EXPERTS=triton.next_power_of_2(num_experts), SIDE=16, num_warps=4, num_stages=1),
    )
    return out
