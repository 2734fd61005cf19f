"""Layer normalization, forward 32 columns at a time, backward by 16 programs: right, with little of memory in flight."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def forward_kernel(x_ptr, weight_ptr, bias_ptr, out_ptr, mean_ptr, rstd_ptr, d, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    x_ptr += row * d
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + cols, mask=cols < d, other=0.0).to(tl.float32)
    mean = tl.sum(total, 0) / d
    squares = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        centred = tl.where(cols < d, tl.load(x_ptr + cols, mask=cols < d, other=0.0).to(tl.float32) - mean, 0.0)
        squares += centred * centred
    rstd = 1 / tl.sqrt(tl.sum(squares, 0) / d + eps)
    for start in range(0, d, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        x_hat = (tl.load(x_ptr + cols, mask=cols < d).to(tl.float32) - mean) * rstd
        weight = tl.load(weight_ptr + cols, mask=cols < d).to(tl.float32)
        bias = tl.load(bias_ptr + cols, mask=cols < d).to(tl.float32)
        tl.store(out_ptr + row * d + cols, x_hat * weight + bias, mask=cols < d)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)


@triton.jit
def backward_kernel(grad_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, grad_x_ptr, parts_ptr, n, d, BLOCK: tl.constexpr):
    program = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    grad_weight = tl.zeros((BLOCK,), tl.float32)
    grad_bias = tl.zeros((BLOCK,), tl.float32)
    for row in range(program, n, tl.num_programs(0)):
        here = row * d + cols
        rstd = tl.load(rstd_ptr + row)
        x_hat = (tl.load(x_ptr + here, mask=inside, other=0.0).to(tl.float32) - tl.load(mean_ptr + row)) * rstd
        grad = tl.load(grad_ptr + here, mask=inside, other=0.0).to(tl.float32)
        g = grad * weight
        grad_x = rstd * (g - tl.sum(g, 0) / d - x_hat * (tl.sum(g * x_hat, 0) / d))
        tl.store(grad_x_ptr + here, grad_x, mask=inside)
        grad_weight += grad * x_hat
        grad_bias += grad
    tl.store(parts_ptr + program * 2 * d + cols, grad_weight, mask=inside)
    tl.store(parts_ptr + program * 2 * d + d + cols, grad_bias, mask=inside)


@triton.jit
def sum_kernel(parts_ptr, out_ptr, programs, width, COLS: tl.constexpr):
    cols = tl.program_id(0) * COLS + tl.arange(0, COLS)
    total = tl.zeros((COLS,), tl.float32)
    for row in range(programs):
        total += tl.load(parts_ptr + row * width + cols, mask=cols < width, other=0.0)
    tl.store(out_ptr + cols, total, mask=cols < width)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Return the normalised rows, their means and reciprocal standard deviations."""
    x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
    n, d = x.shape
    out = torch.empty_like(x)
    mean, rstd = x.new_empty((2, n), dtype=torch.float32)
    forward_kernel[(n,)](x, weight, bias, out, mean, rstd, d, eps, BLOCK=32)
    return out, mean, rstd


def layer_norm_backward(
    grad_out: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor, programs: int = 528
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients with respect to x, weight and bias."""
    grad_out, x, weight = grad_out.contiguous(), x.contiguous(), weight.contiguous()
    n, d = x.shape
    grad_x, grads = torch.empty_like(x), x.new_empty((2, d))
    programs = min(programs, n, 16)
    parts = x.new_empty((programs, 2 * d), dtype=torch.float32)
    block = triton.next_power_of_2(d)
    backward_kernel[(programs,)](
        grad_out, x, weight, mean, rstd, grad_x, parts, n, d, BLOCK=block, num_warps=min(max(block // 512, 1), 16)
    )  # fmt: skip
    sum_kernel[(triton.cdiv(2 * d, 128),)](parts, grads, programs, 2 * d, COLS=128)
    return grad_x, grads[0], grads[1]
