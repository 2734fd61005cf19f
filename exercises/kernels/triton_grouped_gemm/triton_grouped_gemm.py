# Generated from solutions/kernels/triton_grouped_gemm.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: grouped_kernel")


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
    raise NotImplementedError("blank 2: grouped_gemm")
