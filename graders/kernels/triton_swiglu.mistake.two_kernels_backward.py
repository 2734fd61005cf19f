"""Backward launches one kernel for each of the two gradients, so that two inputs are read twice."""

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
    gate = tl.load(gate_ptr + row * gate_stride + cols, mask=inside).to(tl.float32)
    up = tl.load(up_ptr + row * up_stride + cols, mask=inside).to(tl.float32)
    tl.store(out_ptr + row * d + cols, gate * tl.sigmoid(gate) * up, mask=inside)


@triton.jit
def gate_kernel(grad_ptr, gate_ptr, up_ptr, out_ptr, d, parts, stride, gate_stride, up_stride, BLOCK: tl.constexpr):
    row = (tl.program_id(0) // parts).to(tl.int64)
    cols = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    inside = cols < d
    grad = tl.load(grad_ptr + row * stride + cols, mask=inside).to(tl.float32)
    gate = tl.load(gate_ptr + row * gate_stride + cols, mask=inside).to(tl.float32)
    up = tl.load(up_ptr + row * up_stride + cols, mask=inside).to(tl.float32)
    s = tl.sigmoid(gate)
    tl.store(out_ptr + row * d + cols, grad * up * (s + gate * s * (1 - s)), mask=inside)


@triton.jit
def up_kernel(grad_ptr, gate_ptr, out_ptr, d, parts, stride, gate_stride, BLOCK: tl.constexpr):
    row = (tl.program_id(0) // parts).to(tl.int64)
    cols = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    inside = cols < d
    grad = tl.load(grad_ptr + row * stride + cols, mask=inside).to(tl.float32)
    gate = tl.load(gate_ptr + row * gate_stride + cols, mask=inside).to(tl.float32)
    tl.store(out_ptr + row * d + cols, grad * (gate * tl.sigmoid(gate)), mask=inside)


def with_adjacent_columns(x: Tensor) -> Tensor:
    """x itself where its columns are adjacent, also in half of a wider matrix; else a contiguous copy."""
    return x if x.stride(1) == 1 else x.contiguous()


class SwiGLU(torch.autograd.Function):
    """silu(gate) * up, which keeps gate and up alone for its backward pass."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, block: int) -> Tensor:
        """Return (n, d) of gate and up, (n, d) each."""
        gate, up = with_adjacent_columns(gate), with_adjacent_columns(up)
        ctx.save_for_backward(gate, up)
        ctx.block = block
        n, d = gate.shape
        out = torch.empty((n, d), dtype=gate.dtype, device=gate.device)
        parts = triton.cdiv(d, block)
        forward_kernel[(n * parts,)](gate, up, out, d, parts, gate.stride(0), up.stride(0), BLOCK=block)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of gate and up, (n, d) each, and none of block."""
        gate, up = ctx.saved_tensors
        grad_out = with_adjacent_columns(grad_out)
        n, d = gate.shape
        grad_gate, grad_up = (torch.empty((n, d), dtype=gate.dtype, device=gate.device) for _ in range(2))
        parts, strides = triton.cdiv(d, ctx.block), (grad_out.stride(0), gate.stride(0), up.stride(0))
        gate_kernel[(n * parts,)](grad_out, gate, up, grad_gate, d, parts, *strides, BLOCK=ctx.block)
        up_kernel[(n * parts,)](grad_out, gate, grad_up, d, parts, *strides[:2], BLOCK=ctx.block)
        return grad_gate, grad_up, None


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
