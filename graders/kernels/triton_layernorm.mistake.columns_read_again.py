"""The sums over rows by a kernel of their own, which reads x and grad_out a second time."""

import torch
import triton
import triton.language as tl


@triton.jit
def forward_kernel(x_ptr, weight_ptr, bias_ptr, out_ptr, mean_ptr, rstd_ptr, d, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    x = tl.load(x_ptr + row * d + cols, mask=inside, other=0.0).to(tl.float32)
    mean = tl.sum(x, 0) / d
    centred = tl.where(inside, x - mean, 0.0)
    rstd = 1 / tl.sqrt(tl.sum(centred * centred, 0) / d + eps)
    weight = tl.load(weight_ptr + cols, mask=inside).to(tl.float32)
    bias = tl.load(bias_ptr + cols, mask=inside).to(tl.float32)
    tl.store(out_ptr + row * d + cols, centred * rstd * weight + bias, mask=inside)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)


@triton.jit
def grad_x_kernel(grad_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, grad_x_ptr, d, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK)
    inside = cols < d
    rstd = tl.load(rstd_ptr + row)
    x = tl.load(x_ptr + row * d + cols, mask=inside, other=0.0).to(tl.float32)
    unit = (x - tl.load(mean_ptr + row)) * rstd
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    g = tl.load(grad_ptr + row * d + cols, mask=inside, other=0.0).to(tl.float32) * weight
    grad_x = rstd * (g - tl.sum(g, 0) / d - unit * (tl.sum(g * unit, 0) / d))
    tl.store(grad_x_ptr + row * d + cols, grad_x, mask=inside)


@triton.jit
def columns_kernel(
    grad_ptr, x_ptr, mean_ptr, rstd_ptr, grad_weight_ptr, grad_bias_ptr, n, d, R: tl.constexpr, C: tl.constexpr
):
    cols = tl.program_id(0) * C + tl.arange(0, C)
    grad_weight = tl.zeros((C,), tl.float32)
    grad_bias = tl.zeros((C,), tl.float32)
    for start in range(0, n, R):
        rows = start + tl.arange(0, R)
        inside = (rows < n)[:, None] & (cols < d)[None, :]
        here = rows.to(tl.int64)[:, None] * d + cols[None, :]
        x = tl.load(x_ptr + here, mask=inside, other=0.0).to(tl.float32)
        grad = tl.load(grad_ptr + here, mask=inside, other=0.0).to(tl.float32)
        mean = tl.load(mean_ptr + rows, mask=rows < n, other=0.0)
        rstd = tl.load(rstd_ptr + rows, mask=rows < n, other=0.0)
        grad_weight += tl.sum(grad * (x - mean[:, None]) * rstd[:, None], 0)
        grad_bias += tl.sum(grad, 0)
    tl.store(grad_weight_ptr + cols, grad_weight, mask=cols < d)
    tl.store(grad_bias_ptr + cols, grad_bias, mask=cols < d)


def layer_norm(x, weight, bias, eps=1e-5):
    x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
    n, d = x.shape
    out = torch.empty_like(x)
    mean, rstd = x.new_empty(n, dtype=torch.float32), x.new_empty(n, dtype=torch.float32)
    forward_kernel[(n,)](x, weight, bias, out, mean, rstd, d, eps, BLOCK=triton.next_power_of_2(d))
    return out, mean, rstd


def layer_norm_backward(grad_out, x, weight, mean, rstd, programs=528):
    grad_out, x, weight = grad_out.contiguous(), x.contiguous(), weight.contiguous()
    n, d = x.shape
    grad_x, grad_weight, grad_bias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
    grad_x_kernel[(n,)](grad_out, x, weight, mean, rstd, grad_x, d, BLOCK=triton.next_power_of_2(d))
    columns_kernel[(triton.cdiv(d, 32),)](grad_out, x, mean, rstd, grad_weight, grad_bias, n, d, R=32, C=32)
    return grad_x, grad_weight, grad_bias
