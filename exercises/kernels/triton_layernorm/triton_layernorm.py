# Generated from solutions/kernels/triton_layernorm.py; do not edit. thinkllm dev render
"""Layer normalization, forward and backward; the gradients of weight and bias in two stages, without atomics.

Sources: Ba, Kiros, Hinton 2016 (arXiv:1607.06450), section 3; Hsu et al. 2024 (arXiv:2410.10989).
Dimensions: N rows, D features of a row; P programs that share the rows in the backward pass.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def forward_kernel(x_ptr, weight_ptr, bias_ptr, out_ptr, mean_ptr, rstd_ptr, d, eps, BLOCK: tl.constexpr):
    """Normalise row `program_id(0)`, which is loaded once and stays in registers; BLOCK is a power of two ≥ D."""
    raise NotImplementedError("blank 1: forward_kernel")


@triton.jit
def backward_kernel(grad_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, grad_x_ptr, parts_ptr, n, d, BLOCK: tl.constexpr):
    """Stage one: every P-th row from `program_id(0)` on: its grad_x, and its share of the sums over rows.

    Args:
        grad_ptr, x_ptr, grad_x_ptr: (N, D).
        parts_ptr: (P, 2 * D) float32, a row for each program: its share of grad_weight, then that of grad_bias.
    """
    raise NotImplementedError("blank 2: backward_kernel")


@triton.jit
def sum_kernel(parts_ptr, out_ptr, programs, width, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Stage two: the sums of COLS columns of parts, (P, W), ROWS rows at a time, always in the same order."""
    raise NotImplementedError("blank 3: sum_kernel")


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Return the normalised rows, and what the backward pass needs of them.

    Args:
        x: (N, D), float32, float16 or bfloat16, any strides.
        weight, bias: (D,), in the dtype of x.
        eps: added to the variance.
    Returns:
        out: (N, D), in the dtype of x.
        mean, rstd: (N,) float32, mean and reciprocal standard deviation of each row.
    """
    raise NotImplementedError("blank 4: layer_norm")


def layer_norm_backward(
    grad_out: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor, programs: int = 528
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients with respect to x, weight and bias.

    Args:
        grad_out: (N, D), the gradient with respect to out.
        x: (N, D).
        weight: (D,).
        mean, rstd: (N,), as layer_norm returned them.
        programs: the most programs that share the rows, and so the most partial sums; 1 to 1024.
    Returns:
        grad_x: (N, D); grad_weight, grad_bias: (D,); all in the dtype of x.
    """
    raise NotImplementedError("blank 5: layer_norm_backward")
