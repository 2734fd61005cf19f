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
    row = (tl.program_id(0) // parts).to(tl.int64)  # row * d may pass 2³¹
    cols = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    inside = cols < d
    # region blank: load both in float32, store silu(gate) * up
    gate = tl.load(gate_ptr + row * gate_stride + cols, mask=inside).to(tl.float32)
    up = tl.load(up_ptr + row * up_stride + cols, mask=inside).to(tl.float32)
    tl.store(out_ptr + row * d + cols, gate * tl.sigmoid(gate) * up, mask=inside)
    # endregion


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
    row = (tl.program_id(0) // parts).to(tl.int64)
    cols = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    inside = cols < d
    # region blank: load the three in float32, compute the sigmoid again, store both gradients
    grad = tl.load(grad_ptr + row * stride + cols, mask=inside).to(tl.float32)
    gate = tl.load(gate_ptr + row * gate_stride + cols, mask=inside).to(tl.float32)
    up = tl.load(up_ptr + row * up_stride + cols, mask=inside).to(tl.float32)
    s = tl.sigmoid(gate)
    tl.store(grad_gate_ptr + row * d + cols, grad * up * (s + gate * s * (1 - s)), mask=inside)
    tl.store(grad_up_ptr + row * d + cols, grad * (gate * s), mask=inside)
    # endregion


def with_adjacent_columns(x: Tensor) -> Tensor:
    """x itself where its columns are adjacent, also in half of a wider matrix; else a contiguous copy."""
    return x if x.stride(1) == 1 else x.contiguous()


class SwiGLU(torch.autograd.Function):
    """silu(gate) * up, which keeps gate and up alone for its backward pass."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, block: int) -> Tensor:
        """Return (n, d) of gate and up, (n, d) each."""
        # region blank: launch the forward kernel; keep for backward what it needs
        gate, up = with_adjacent_columns(gate), with_adjacent_columns(up)
        ctx.save_for_backward(gate, up)
        ctx.block = block
        n, d = gate.shape
        out = torch.empty((n, d), dtype=gate.dtype, device=gate.device)
        parts = triton.cdiv(d, block)
        forward_kernel[(n * parts,)](gate, up, out, d, parts, gate.stride(0), up.stride(0), BLOCK=block)
        return out
        # endregion

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of gate and up, (n, d) each, and none of block."""
        # region blank: launch the backward kernel
        gate, up = ctx.saved_tensors
        grad_out = with_adjacent_columns(grad_out)
        n, d = gate.shape
        grad_gate, grad_up = (torch.empty((n, d), dtype=gate.dtype, device=gate.device) for _ in range(2))
        parts, strides = triton.cdiv(d, ctx.block), (grad_out.stride(0), gate.stride(0), up.stride(0))
        backward_kernel[(n * parts,)](grad_out, gate, up, grad_gate, grad_up, d, parts, *strides, BLOCK=ctx.block)
        return grad_gate, grad_up, None
        # endregion


def swiglu(gate: Tensor, up: Tensor, block: int = 1024) -> Tensor:
    """Return silu(gate) * up, differentiable in both, by kernels that touch at most `block` elements at once.

    Args:
        gate, up: (n, d), float32, float16 or bfloat16, of one dtype, any strides.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of gate.
    """
    out: Tensor = SwiGLU.apply(gate, up, block)
    return out
