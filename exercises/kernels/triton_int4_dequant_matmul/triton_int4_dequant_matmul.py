# Generated from solutions/kernels/triton_int4_dequant_matmul.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: load_words")


@triton.jit
def nibble(packed, j):
    """Return weight j of each word, 0 … 15, in float32."""
    raise NotImplementedError("blank 2: nibble")


@triton.jit
def gemv_kernel(
    x_ptr, packed_ptr, scales_ptr, zeros_ptr, out_ptr, x_col, words, n,
    GROUP: tl.constexpr, WORDS: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Write BLOCK_N outputs of a single row, without tensor cores: every weight is used once."""
    raise NotImplementedError("blank 3: gemv_kernel")


@triton.jit
def gemm_kernel(
    x_ptr, packed_ptr, scales_ptr, zeros_ptr, out_ptr, x_row, x_col, m, words, n,
    GROUP: tl.constexpr, WORDS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Write a tile of BLOCK_M by BLOCK_N outputs; for each place in a word one product over WORDS inputs, 8 apart."""
    raise NotImplementedError("blank 4: gemm_kernel")


def int4_matmul(x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor) -> torch.Tensor:
    """Return x @ weight; with g = i // group weight[i, c] is (nibble − zeros[g, c]) · scales[g, c].

    Args:
        x: (m, k), any strides.
        packed: (k / 8, n), int32, contiguous; nibble i % 8 of packed[i // 8, c], 0 being the lowest four bits.
        scales, zeros: (k / group, n), the dtype of x, any strides.
    Returns:
        (m, n), the dtype of x.
    """
    raise NotImplementedError("blank 5: int4_matmul")
