# Generated from solutions/kernels/triton_swiglu.py; do not edit. thinkllm dev render
"""The gate of SwiGLU, silu(gate) · up, forward and backward as Triton kernels; backward computes the sigmoid again.

Source: Shazeer 2020 (arXiv:2002.05202), section 2; fused as by Hsu et al. 2024 (arXiv:2410.10989).
Dimensions: n rows, d columns (d_ff); one program a block of a row.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def forward_kernel(gate_ptr, up_ptr, out_ptr, d, parts, gate_stride, up_stride, BLOCK: tl.constexpr):
    """Write silu(gate) * up for one block of one row; program p has block p mod parts of row p div parts.

    Args:
        gate_ptr, up_ptr: (n, d), columns adjacent, rows gate_stride and up_stride elements apart.
        out_ptr: (n, d), contiguous.
        d: columns.
        parts: blocks a row, d / BLOCK rounded up.
        BLOCK: columns of a block, a power of two.
    """
    raise NotImplementedError("blank 1: forward_kernel")


@triton.jit
def backward_kernel(
    grad_ptr,
    gate_ptr,
    up_ptr,
    grad_gate_ptr,
    grad_up_ptr,
    d,
    parts,
    stride,
    gate_stride,
    up_stride,
    BLOCK: tl.constexpr,
):
    """Write the gradients of gate and up for one block of one row.

    Args:
        grad_ptr: (n, d), the gradient of the output, columns adjacent, rows `stride` elements apart.
        grad_gate_ptr, grad_up_ptr: (n, d), contiguous.
        the others: as in the forward kernel.
    """
    raise NotImplementedError("blank 2: backward_kernel")


def with_adjacent_columns(x: Tensor) -> Tensor:
    """x itself where its columns are adjacent, also in half of a wider matrix; else a contiguous copy."""
    raise NotImplementedError("blank 3: with_adjacent_columns")


class SwiGLU(torch.autograd.Function):
    """silu(gate) * up, which keeps gate and up alone for its backward pass."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, block: int) -> Tensor:
        """Return (n, d) of gate and up, (n, d) each."""
        raise NotImplementedError("blank 4: SwiGLU.forward")

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of gate and up, (n, d) each, and none of block."""
        raise NotImplementedError("blank 5: SwiGLU.backward")


def swiglu(gate: Tensor, up: Tensor, block: int = 1024) -> Tensor:
    """Return silu(gate) * up, differentiable in both, by kernels that touch at most `block` elements at once.

    Args:
        gate, up: (n, d), float32, float16 or bfloat16, of one dtype, any strides.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of gate.
    """
    raise NotImplementedError("blank 6: swiglu")
