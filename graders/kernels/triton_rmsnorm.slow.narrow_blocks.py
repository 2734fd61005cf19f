"""Residual add and RMSNorm, 32 columns at a time by eight warps: right, and waits for memory with little in flight."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def forward_kernel(x_ptr, residual_ptr, weight_ptr, out_ptr, h_ptr, rstd_ptr, d, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    squares = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * d + cols, mask=cols < d, other=0.0).to(tl.float32)
        h = x + tl.load(residual_ptr + row * d + cols, mask=cols < d, other=0.0).to(tl.float32)
        h = h.to(h_ptr.dtype.element_ty)
        tl.store(h_ptr + row * d + cols, h, mask=cols < d)
        squares += h.to(tl.float32) * h.to(tl.float32)
    rstd = 1 / tl.sqrt(tl.sum(squares, 0) / d + eps)
    tl.store(rstd_ptr + row, rstd)
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * d + cols, mask=cols < d).to(tl.float32)
        h = x + tl.load(residual_ptr + row * d + cols, mask=cols < d).to(tl.float32)
        weight = tl.load(weight_ptr + cols, mask=cols < d).to(tl.float32)
        tl.store(out_ptr + row * d + cols, h.to(h_ptr.dtype.element_ty).to(tl.float32) * rstd * weight, mask=cols < d)


@triton.jit
def backward_kernel(
    grad_ptr, grad_h_ptr, h_ptr, weight_ptr, rstd_ptr, grad_x_ptr, parts_ptr, n, d,
    PROGRAMS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    part = tl.zeros((BLOCK,), tl.float32)
    for row in range(program, n, PROGRAMS):
        grad = tl.load(grad_ptr + row * d + cols, mask=inside, other=0.0).to(tl.float32)
        rstd = tl.load(rstd_ptr + row)
        unit = tl.load(h_ptr + row * d + cols, mask=inside, other=0.0).to(tl.float32) * rstd
        part += grad * unit
        along = tl.sum(grad * weight * unit, 0) / d
        grad_h = tl.load(grad_h_ptr + row * d + cols, mask=inside).to(tl.float32)
        tl.store(grad_x_ptr + row * d + cols, grad_h + rstd * (grad * weight - along * unit), mask=inside)
    tl.store(parts_ptr + program * d + cols, part, mask=inside)


@triton.jit
def sum_kernel(parts_ptr, out_ptr, programs, d, COLS: tl.constexpr):
    cols = tl.program_id(0) * COLS + tl.arange(0, COLS)
    total = tl.zeros((COLS,), tl.float32)
    for row in range(programs):
        total += tl.load(parts_ptr + row * d + cols, mask=cols < d, other=0.0)
    tl.store(out_ptr + cols, total, mask=cols < d)


class FusedAddRMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, residual: Tensor, weight: Tensor, eps: float, programs: int
    ) -> tuple[Tensor, Tensor]:
        x, residual, weight = x.contiguous(), residual.contiguous(), weight.contiguous()
        n, d = x.shape
        out, h = torch.empty_like(x), torch.empty_like(x)
        rstd = torch.empty(n, dtype=torch.float32, device=x.device)
        forward_kernel[(n,)](x, residual, weight, out, h, rstd, d, eps, BLOCK=32, num_warps=8)
        ctx.save_for_backward(h, weight, rstd)
        ctx.programs = min(programs, n)
        return out, h

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor, grad_h: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        h, weight, rstd = ctx.saved_tensors
        grad_out, grad_h = grad_out.contiguous(), grad_h.contiguous()
        (n, d), programs = h.shape, ctx.programs
        grad_x, grad_weight = torch.empty_like(h), torch.empty_like(weight)
        parts = torch.empty((programs, d), dtype=torch.float32, device=h.device)
        backward_kernel[(programs,)](
            grad_out, grad_h, h, weight, rstd, grad_x, parts, n, d, PROGRAMS=programs, BLOCK=triton.next_power_of_2(d)
        )  # fmt: skip
        sum_kernel[(triton.cdiv(d, 64),)](parts, grad_weight, programs, d, COLS=64)
        return grad_x, grad_x, grad_weight, None, None


def fused_add_rms_norm(
    x: Tensor, residual: Tensor, weight: Tensor, eps: float = 1e-6, programs: int = 256
) -> tuple[Tensor, Tensor]:
    """Return RMSNorm(x + residual) * weight and x + residual, differentiable in all three tensors."""
    found: tuple[Tensor, Tensor] = FusedAddRMSNorm.apply(x, residual, weight, eps, programs)
    return found
