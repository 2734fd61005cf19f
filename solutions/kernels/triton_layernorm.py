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
    row = tl.program_id(0).to(tl.int64)  # row * d may pass 2³¹
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    # region blank: mean, then the mean square of what is left; lanes beyond the row must count in neither
    x = tl.load(x_ptr + row * d + cols, mask=inside, other=0.0).to(tl.float32)
    mean = tl.sum(x, 0) / d
    centred = tl.where(inside, x - mean, 0.0)
    rstd = 1 / tl.sqrt(tl.sum(centred * centred, 0) / d + eps)
    # endregion
    weight = tl.load(weight_ptr + cols, mask=inside).to(tl.float32)
    bias = tl.load(bias_ptr + cols, mask=inside).to(tl.float32)
    tl.store(out_ptr + row * d + cols, centred * rstd * weight + bias, mask=inside)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)


@triton.jit
def backward_kernel(grad_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, grad_x_ptr, parts_ptr, n, d, BLOCK: tl.constexpr):
    """Stage one: every P-th row from `program_id(0)` on: its grad_x, and its share of the sums over rows.

    Args:
        grad_ptr, x_ptr, grad_x_ptr: (N, D).
        parts_ptr: (P, 2 * D) float32, a row for each program: its share of grad_weight, then that of grad_bias.
    """
    program = tl.program_id(0).to(tl.int64)  # and with it the rows: row * d may pass 2³¹
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    grad_weight = tl.zeros((BLOCK,), tl.float32)
    grad_bias = tl.zeros((BLOCK,), tl.float32)
    for row in range(program, n, tl.num_programs(0)):
        here = row * d + cols
        # region blank: x̂ again, and the gradient with respect to it, which is 0 beyond the row, so that x̂ need not be
        rstd = tl.load(rstd_ptr + row)
        x_hat = (tl.load(x_ptr + here, mask=inside, other=0.0).to(tl.float32) - tl.load(mean_ptr + row)) * rstd
        grad = tl.load(grad_ptr + here, mask=inside, other=0.0).to(tl.float32)
        g = grad * weight
        # endregion
        # region blank: grad_x, which needs two means over the row; the sums over rows, kept in registers
        along = tl.sum(g * x_hat, 0) / d
        grad_x = rstd * (g - tl.sum(g, 0) / d - x_hat * along)
        tl.store(grad_x_ptr + here, grad_x, mask=inside)
        grad_weight += grad * x_hat
        grad_bias += grad
        # endregion
    part = parts_ptr + program * 2 * d + cols
    tl.store(part + d, grad_bias, mask=inside)
    tl.store(part, grad_weight, mask=inside)


@triton.jit
def sum_kernel(parts_ptr, out_ptr, programs, width, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Stage two: the sums of COLS columns of parts, (P, W), ROWS rows at a time, always in the same order."""
    cols = tl.program_id(0) * COLS + tl.arange(0, COLS)
    total = tl.zeros((COLS,), tl.float32)
    # region blank: sum a tile at a time down the columns
    for start in range(0, programs, ROWS):
        rows = start + tl.arange(0, ROWS)
        inside = (rows < programs)[:, None] & (cols < width)[None, :]
        tile = tl.load(parts_ptr + rows[:, None] * width + cols[None, :], mask=inside, other=0.0)
        total += tl.sum(tile, 0)
    tl.store(out_ptr + cols, total, mask=cols < width)
    # endregion


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
    x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
    n, d = x.shape
    # region blank: allocate, launch one program a row
    out = torch.empty_like(x)
    mean, rstd = x.new_empty((2, n), dtype=torch.float32)
    block = triton.next_power_of_2(d)
    forward_kernel[(n,)](
        x, weight, bias, out, mean, rstd, d, eps, BLOCK=block, num_warps=min(max(block // 512, 1), 16)
    )  # fmt: skip
    # endregion
    return out, mean, rstd


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
    grad_out, x, weight = grad_out.contiguous(), x.contiguous(), weight.contiguous()
    n, d = x.shape
    grad_x, grads = torch.empty_like(x), x.new_empty((2, d))
    # region blank: partial sums for no more programs than there are rows; two launches
    programs = min(programs, n)
    parts = x.new_empty((programs, 2 * d), dtype=torch.float32)
    block = triton.next_power_of_2(d)
    backward_kernel[(programs,)](
        grad_out, x, weight, mean, rstd, grad_x, parts, n, d, BLOCK=block, num_warps=min(max(block // 512, 1), 16)
    )  # fmt: skip
    sum_kernel[(triton.cdiv(2 * d, 128),)](parts, grads, programs, 2 * d, ROWS=64, COLS=128, num_warps=8)
    # endregion
    return grad_x, grads[0], grads[1]
