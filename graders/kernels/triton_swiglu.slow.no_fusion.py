"""SwiGLU operation by operation, with float32 in memory between them: right, and 24 bytes are moved where 6 suffice."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def sigmoid_kernel(x_ptr, out_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.sigmoid(tl.load(x_ptr + at, mask=at < count).to(tl.float32)), mask=at < count)


@triton.jit
def product_kernel(a_ptr, b_ptr, out_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(a_ptr + at, mask=at < count).to(tl.float32)
    b = tl.load(b_ptr + at, mask=at < count).to(tl.float32)
    tl.store(out_ptr + at, a * b, mask=at < count)


@triton.jit
def backward_kernel(grad_ptr, gate_ptr, up_ptr, grad_gate_ptr, grad_up_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    grad = tl.load(grad_ptr + at, mask=at < count).to(tl.float32)
    gate = tl.load(gate_ptr + at, mask=at < count).to(tl.float32)
    up = tl.load(up_ptr + at, mask=at < count).to(tl.float32)
    s = tl.sigmoid(gate)
    tl.store(grad_gate_ptr + at, grad * up * (s + gate * s * (1 - s)), mask=at < count)
    tl.store(grad_up_ptr + at, grad * (gate * s), mask=at < count)


class SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, block: int) -> Tensor:
        gate, up = gate.contiguous(), up.contiguous()
        ctx.save_for_backward(gate, up)
        ctx.block, count = block, gate.numel()
        grid = (triton.cdiv(count, block),)
        sigmoid, silu = (torch.empty(gate.shape, dtype=torch.float32, device=gate.device) for _ in range(2))
        out = torch.empty_like(gate)
        sigmoid_kernel[grid](gate, sigmoid, count, BLOCK=block)
        product_kernel[grid](gate, sigmoid, silu, count, BLOCK=block)
        product_kernel[grid](silu, up, out, count, BLOCK=block)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, Tensor, None]:
        gate, up = ctx.saved_tensors
        grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
        grid = (triton.cdiv(gate.numel(), ctx.block),)
        backward_kernel[grid](grad_out.contiguous(), gate, up, grad_gate, grad_up, gate.numel(), BLOCK=ctx.block)
        return grad_gate, grad_up, None


def swiglu(gate: Tensor, up: Tensor, block: int = 1024) -> Tensor:
    """Return silu(gate) * up, differentiable in both."""
    out: Tensor = SwiGLU.apply(gate, up, block)
    return out
