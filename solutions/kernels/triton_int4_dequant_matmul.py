"""W4A16: activations times 4-bit weights that are dequantised in registers; a GEMV for one row, a GEMM for more.

Sources: Frantar et al. 2022 (arXiv:2210.17323), the format of its 4-bit kernels; Lin et al. 2023 (arXiv:2306.00978).
Dimensions: m rows, k inputs, n outputs; GROUP inputs share a scale and a zero; a word holds the weights of 8 inputs.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def load_words(packed_ptr, scales_ptr, zeros_ptr, word, cols, words, n, GROUP: tl.constexpr):
    """Return the words of some rows and columns of packed, and their scales and zeros in float32.

    Args:
        packed_ptr: (k / 8, n) int32. scales_ptr, zeros_ptr: (k / GROUP, n). All contiguous.
        word: (WORDS,), rows of packed. cols: (BLOCK_N,), columns. Those from `words` and n on do not exist.
    Returns:
        three of (WORDS, BLOCK_N), zero where nothing exists.
    """
    # region blank: a word, and the scale and zero of the group that its eight inputs belong to
    here = (word < words)[:, None] & (cols < n)[None, :]
    group = word * 8 // GROUP
    packed = tl.load(packed_ptr + word.to(tl.int64)[:, None] * n + cols[None, :], mask=here, other=0)
    scale = tl.load(scales_ptr + group[:, None] * n + cols[None, :], mask=here, other=0.0).to(tl.float32)
    zero = tl.load(zeros_ptr + group[:, None] * n + cols[None, :], mask=here, other=0.0).to(tl.float32)
    return packed, scale, zero
    # endregion


@triton.jit
def nibble(packed, j):
    """Return weight j of each word, 0 … 15, in float32."""
    # region blank: shift and mask
    return ((packed >> (4 * j)) & 15).to(tl.float32)
    # endregion


@triton.jit
def gemv_kernel(
    x_ptr, packed_ptr, scales_ptr, zeros_ptr, out_ptr, x_col, words, n,
    GROUP: tl.constexpr, WORDS: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Write BLOCK_N outputs of a single row, without tensor cores: every weight is used once."""
    cols = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    # region blank: accumulate words apart, sum over them once at the end
    total = tl.zeros((WORDS, BLOCK_N), tl.float32)
    for first in range(0, words, WORDS):
        word = first + tl.arange(0, WORDS)
        packed, scale, zero = load_words(packed_ptr, scales_ptr, zeros_ptr, word, cols, words, n, GROUP)
        part = tl.zeros((WORDS, BLOCK_N), tl.float32)
        for j in tl.static_range(8):
            x = tl.load(x_ptr + (word * 8 + j) * x_col, mask=word < words, other=0.0).to(tl.float32)
            part += x[:, None] * (nibble(packed, j) - zero)
        total += part * scale
    tl.store(out_ptr + cols, tl.sum(total, 0), mask=cols < n)
    # endregion


@triton.jit
def gemm_kernel(
    x_ptr, packed_ptr, scales_ptr, zeros_ptr, out_ptr, x_row, x_col, m, words, n,
    GROUP: tl.constexpr, WORDS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Write a tile of BLOCK_M by BLOCK_N outputs; for each place in a word one product over WORDS inputs, 8 apart."""
    cols = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    rows = tl.program_id(1).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    # region blank: eight products a tile of words, accumulated in float32
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for first in range(0, words, WORDS):
        word = first + tl.arange(0, WORDS)
        packed, scale, zero = load_words(packed_ptr, scales_ptr, zeros_ptr, word, cols, words, n, GROUP)
        live = (rows < m)[:, None] & (word < words)[None, :]
        for j in tl.static_range(8):
            x = tl.load(x_ptr + rows[:, None] * x_row + (word * 8 + j)[None, :] * x_col, mask=live, other=0.0)
            weight = (nibble(packed, j) - zero) * scale  # (WORDS, BLOCK_N)
            acc = tl.dot(x, weight.to(x.dtype), acc, input_precision="ieee")
    tl.store(out_ptr + rows[:, None] * n + cols[None, :], acc, mask=(rows < m)[:, None] & (cols < n)[None, :])
    # endregion


def int4_matmul(x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor) -> torch.Tensor:
    """Return x @ weight; with g = i // group weight[i, c] is (nibble − zeros[g, c]) · scales[g, c].

    Args:
        x: (m, k), any strides.
        packed: (k / 8, n), int32, contiguous; nibble i % 8 of packed[i // 8, c], 0 being the lowest four bits.
        scales, zeros: (k / group, n), the dtype of x, any strides.
    Returns:
        (m, n), the dtype of x.
    """
    # region blank: one row takes the GEMV, more rows take tiles of tensor cores
    m, k = x.shape
    n = packed.shape[1]
    group = k // scales.shape[0]
    scales, zeros = scales.contiguous(), zeros.contiguous()
    out = x.new_empty(m, n)
    if m == 1:
        gemv_kernel[(triton.cdiv(n, 32),)](
            x, packed, scales, zeros, out, x.stride(1), k // 8, n, GROUP=group, WORDS=64, BLOCK_N=32, num_warps=4
        )
        return out
    block_m = 16 if m <= 16 else 64
    gemm_kernel[(triton.cdiv(n, 64), triton.cdiv(m, block_m))](
        x, packed, scales, zeros, out, x.stride(0), x.stride(1), m, k // 8, n,
        GROUP=group, WORDS=16, BLOCK_M=block_m, BLOCK_N=64, num_warps=4, num_stages=3,
    )  # fmt: skip
    return out
    # endregion
