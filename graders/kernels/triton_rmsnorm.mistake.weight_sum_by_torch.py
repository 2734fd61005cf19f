"""torch adds the partial sums of the weight's gradient up."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def forward_kernel(x_ptr, residual_ptr, weight_ptr, out_ptr, h_ptr, rstd_ptr, d, eps, BLOCK: tl.constexpr):
    """Write h = x + residual, 1 / rms(h) and h / rms(h) * weight for row `program_id(0)`.

    Args:
        x_ptr, residual_ptr, out_ptr, h_ptr: (n, d), contiguous, of one type.
        weight_ptr: (d,), contiguous.
        rstd_ptr: (n,), float32.
        d: columns.
        eps: added to the mean square.
        BLOCK: the power of two from d on.
    """
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    here = row.to(tl.int64) * d + cols  # may pass 2³¹
    x = tl.load(x_ptr + here, mask=inside, other=0.0).to(tl.float32)
    h = (x + tl.load(residual_ptr + here, mask=inside, other=0.0).to(tl.float32)).to(h_ptr.dtype.element_ty)
    tl.store(h_ptr + here, h, mask=inside)
    h = h.to(tl.float32)
    rstd = 1 / tl.sqrt(tl.sum(h * h, 0) / d + eps)
    tl.store(rstd_ptr + row, rstd)
    weight = tl.load(weight_ptr + cols, mask=inside).to(tl.float32)
    tl.store(out_ptr + here, h * rstd * weight, mask=inside)


@triton.jit
def backward_kernel(
    grad_ptr,
    grad_h_ptr,
    h_ptr,
    weight_ptr,
    rstd_ptr,
    grad_x_ptr,
    parts_ptr,
    n,
    d,
    PROGRAMS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write the gradient of x and residual for rows p, p + PROGRAMS, …, and their part of the weight's gradient.

    Args:
        grad_ptr, grad_h_ptr: (n, d), contiguous, the gradients of out and of h.
        h_ptr, weight_ptr, rstd_ptr: as in the forward kernel.
        grad_x_ptr: (n, d), contiguous.
        parts_ptr: (PROGRAMS, d), float32, one row for each program.
        n, d: rows and columns.
        PROGRAMS: how many programs were launched, at most n.
        BLOCK: the power of two from d on.
    """
    program = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    part = tl.zeros((BLOCK,), tl.float32)
    here = program.to(tl.int64) * d + cols
    for row in range(program, n, PROGRAMS):
        grad = tl.load(grad_ptr + here, mask=inside, other=0.0).to(tl.float32)
        rstd = tl.load(rstd_ptr + row)
        unit = tl.load(h_ptr + here, mask=inside, other=0.0).to(tl.float32) * rstd  # h / rms(h)
        part += grad * unit
        grad_unit = grad * weight
        along = tl.sum(grad_unit * unit, 0) / d
        grad_h = tl.load(grad_h_ptr + here, mask=inside).to(tl.float32)
        tl.store(grad_x_ptr + here, grad_h + rstd * (grad_unit - along * unit), mask=inside)
        here += PROGRAMS * d
    tl.store(parts_ptr + program * d + cols, part, mask=inside)


@triton.jit
def sum_kernel(parts_ptr, out_ptr, programs, d, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Write the column sums of parts, (programs, d) in float32, to out, (d,); one program for COLS columns."""
    cols = tl.program_id(0) * COLS + tl.arange(0, COLS)
    total = tl.zeros((COLS,), tl.float32)
    for start in range(0, programs, ROWS):
        rows = start + tl.arange(0, ROWS)
        inside = (rows < programs)[:, None] & (cols < d)[None, :]
        tile = tl.load(parts_ptr + rows[:, None] * d + cols[None, :], mask=inside, other=0.0)  # (ROWS, COLS)
        total += tl.sum(tile, 0)
    tl.store(out_ptr + cols, total, mask=cols < d)


class FusedAddRMSNorm(torch.autograd.Function):
    """RMSNorm of x + residual; keeps the sum, which it returns, the weight and one float for each row."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, residual: Tensor, weight: Tensor, eps: float, programs: int
    ) -> tuple[Tensor, Tensor]:
        """Return out and h, (n, d) each, of x and residual, (n, d) each, and weight, (d,)."""
        x, residual, weight = x.contiguous(), residual.contiguous(), weight.contiguous()
        n, d = x.shape
        out, h = torch.empty_like(x), torch.empty_like(x)
        rstd = torch.empty(n, dtype=torch.float32, device=x.device)
        block = triton.next_power_of_2(d)
        warps = min(max(block // 512, 1), 8)
        forward_kernel[(n,)](x, residual, weight, out, h, rstd, d, eps, BLOCK=block, num_warps=warps)
        ctx.save_for_backward(h, weight, rstd)
        ctx.programs = min(programs, n)
        return out, h

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor, grad_h: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Return the gradients of x, residual and weight, and none of eps and programs."""
        h, weight, rstd = ctx.saved_tensors
        grad_out, grad_h = grad_out.contiguous(), grad_h.contiguous()
        n, d = h.shape
        programs, block = ctx.programs, triton.next_power_of_2(d)
        grad_x, grad_weight = torch.empty_like(h), torch.empty_like(weight)
        parts = torch.empty((programs, d), dtype=torch.float32, device=h.device)
        backward_kernel[(programs,)](
            grad_out, grad_h, h, weight, rstd, grad_x, parts, n, d, PROGRAMS=programs, BLOCK=block,
            num_warps=min(max(block // 512, 1), 16),
        )  # fmt: skip
        grad_weight = parts.sum(0).to(weight.dtype)
        return grad_x, grad_x, grad_weight, None, None


def fused_add_rms_norm(
    x: Tensor, residual: Tensor, weight: Tensor, eps: float = 1e-6, programs: int = 256
) -> tuple[Tensor, Tensor]:
    """Return RMSNorm(x + residual) * weight and x + residual, differentiable in all three tensors.

    Args:
        x, residual: (n, d), float32, float16 or bfloat16, of one dtype, any strides.
        weight: (d,), the dtype of x.
        eps: added to the mean square, inside the root.
        programs: the most partial sums of the weight's gradient, (d,) each, that backward writes.
    Returns:
        out and the new residual, (n, d) each, in the dtype of x.
    """
    found: tuple[Tensor, Tensor] = FusedAddRMSNorm.apply(x, residual, weight, eps, programs)
    return found
