# Generated from solutions/kernels/triton_rmsnorm.py; do not edit. thinkllm dev render
"""Residual add and RMSNorm in one Triton kernel, and their backward pass, with partial sums for the weight's gradient.

Source: Zhang, Sennrich 2019 (arXiv:1910.07467), section 4; fused as by Hsu et al. 2024 (arXiv:2410.10989).
Dimensions: n rows, d columns; a row fits into the registers of one program.
"""

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
    raise NotImplementedError("blank 1: forward_kernel")


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
    raise NotImplementedError("blank 2: backward_kernel")


@triton.jit
def sum_kernel(parts_ptr, out_ptr, programs, d, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Write the column sums of parts, (programs, d) in float32, to out, (d,); one program for COLS columns."""
    raise NotImplementedError("blank 3: sum_kernel")


class FusedAddRMSNorm(torch.autograd.Function):
    """RMSNorm of x + residual; keeps the sum, which it returns, the weight and one float for each row."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, residual: Tensor, weight: Tensor, eps: float, programs: int
    ) -> tuple[Tensor, Tensor]:
        """Return out and h, (n, d) each, of x and residual, (n, d) each, and weight, (d,)."""
        raise NotImplementedError("blank 4: FusedAddRMSNorm.forward")

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor, grad_h: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Return the gradients of x, residual and weight, and none of eps and programs."""
        raise NotImplementedError("blank 5: FusedAddRMSNorm.backward")


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
    raise NotImplementedError("blank 6: fused_add_rms_norm")
