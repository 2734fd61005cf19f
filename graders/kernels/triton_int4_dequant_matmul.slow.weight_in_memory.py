"""W4A16 that first writes the whole weight in float32: right, and 17 times the bytes of packed go to and fro."""

import torch
import triton
import triton.language as tl


@triton.jit
def unpack_kernel(
    packed_ptr, scales_ptr, zeros_ptr, weight_ptr, words, n,
    GROUP: tl.constexpr, WORDS: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    cols = (tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N))[None, :]
    word = (tl.program_id(1).to(tl.int64) * WORDS + tl.arange(0, WORDS))[:, None]
    here = (word < words) & (cols < n)
    packed = tl.load(packed_ptr + word * n + cols, mask=here, other=0)
    scale = tl.load(scales_ptr + word * 8 // GROUP * n + cols, mask=here, other=0.0).to(tl.float32)
    zero = tl.load(zeros_ptr + word * 8 // GROUP * n + cols, mask=here, other=0.0).to(tl.float32)
    for j in tl.static_range(8):
        nibble = ((packed >> (4 * j)) & 15).to(tl.float32)
        tl.store(weight_ptr + (word * 8 + j) * n + cols, (nibble - zero) * scale, mask=here)


@triton.jit
def product_kernel(
    x_ptr, weight_ptr, out_ptr, x_row, x_col, m, k, n,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    cols = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    rows = tl.program_id(1).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, k, BLOCK_K):
        depth = (start + tl.arange(0, BLOCK_K)).to(tl.int64)
        seen = (rows < m)[:, None] & (depth < k)[None, :]
        x = tl.load(x_ptr + rows[:, None] * x_row + depth[None, :] * x_col, mask=seen, other=0.0)
        live = (depth < k)[:, None] & (cols < n)[None, :]
        weight = tl.load(weight_ptr + depth[:, None] * n + cols[None, :], mask=live, other=0.0)
        acc = tl.dot(x, weight.to(x.dtype), acc, input_precision="ieee")
    tl.store(out_ptr + rows[:, None] * n + cols[None, :], acc, mask=(rows < m)[:, None] & (cols < n)[None, :])


def int4_matmul(x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor) -> torch.Tensor:
    """Return x @ weight."""
    (m, k), n = x.shape, packed.shape[1]
    scales, zeros = scales.contiguous(), zeros.contiguous()
    weight, out = x.new_empty((k, n), dtype=torch.float32), x.new_empty(m, n)
    unpack_kernel[(triton.cdiv(n, 128), triton.cdiv(k // 8, 8))](
        packed, scales, zeros, weight, k // 8, n, GROUP=k // scales.shape[0], WORDS=8, BLOCK_N=128
    )
    product_kernel[(triton.cdiv(n, 64), triton.cdiv(m, 16))](
        x, weight, out, x.stride(0), x.stride(1), m, k, n, BLOCK_M=16, BLOCK_N=64, BLOCK_K=64
    )
    return out
