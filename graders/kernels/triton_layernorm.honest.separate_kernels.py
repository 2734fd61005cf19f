"""Mean in two steps, whole rows as they come (a while loop); stage two is a program a column and a launch for each sum."""

import torch
import triton
import triton.language as tl


@triton.jit
def normalise(x_ptr, w_ptr, b_ptr, y_ptr, m_ptr, r_ptr, d, stride, eps, SIZE: tl.constexpr):
    row = tl.program_id(0)
    c = tl.arange(0, SIZE)
    x = tl.load(x_ptr + row.to(tl.int64) * stride + c, mask=c < d, other=0.0).to(tl.float32)
    first = tl.sum(x, axis=0) / d
    off = tl.where(c < d, x - first, 0.0)
    mean = first + tl.sum(off, axis=0) / d  # once more, for what the first rounding left
    off = tl.where(c < d, x - mean, 0.0)
    rstd = tl.rsqrt(tl.sum(off * off, axis=0) / d + eps)
    w = tl.load(w_ptr + c, mask=c < d, other=0.0).to(tl.float32) * rstd
    b = tl.load(b_ptr + c, mask=c < d, other=0.0).to(tl.float32)
    tl.store(y_ptr + row.to(tl.int64) * d + c, tl.fma(off, w, b), mask=c < d)
    tl.store(m_ptr + row, mean)
    tl.store(r_ptr + row, rstd)


def layer_norm(x, weight, bias, eps=1e-5):
    x = x if x.stride(1) == 1 and x.stride(0) >= x.shape[1] else x.contiguous()
    n, d = x.shape
    y = x.new_empty((n, d))
    m, r = x.new_empty(n, dtype=torch.float32), x.new_empty(n, dtype=torch.float32)
    normalise[(n,)](
        x, weight.contiguous(), bias.contiguous(), y, m, r, d, x.stride(0), eps, SIZE=triton.next_power_of_2(d)
    )
    return y, m, r


@triton.jit
def stage_one(g_ptr, x_ptr, w_ptr, m_ptr, r_ptr, gx_ptr, pw_ptr, pb_ptr, n, d, SIZE: tl.constexpr):
    c = tl.arange(0, SIZE)
    w = tl.load(w_ptr + c, mask=c < d, other=0.0).to(tl.float32)
    pw = tl.zeros([SIZE], dtype=tl.float32)
    pb = tl.zeros([SIZE], dtype=tl.float32)
    row = tl.program_id(0)
    while row < n:
        at = row.to(tl.int64) * d + c
        r = tl.load(r_ptr + row)
        g = tl.load(g_ptr + at, mask=c < d, other=0.0).to(tl.float32)
        x = tl.load(x_ptr + at, mask=c < d, other=0.0).to(tl.float32)
        h = tl.where(c < d, (x - tl.load(m_ptr + row)) * r, 0.0)
        pw = tl.fma(g, h, pw)
        pb = pb + g
        g = g * w
        g = g - tl.sum(g, axis=0) / d
        tl.store(gx_ptr + at, r * (g - h * (tl.sum(g * h, axis=0) / d)), mask=c < d)
        row += tl.num_programs(0)
    tl.store(pw_ptr + tl.program_id(0) * d + c, pw, mask=c < d)
    tl.store(pb_ptr + tl.program_id(0) * d + c, pb, mask=c < d)


@triton.jit
def column_sum(part_ptr, out_ptr, rows, d, HIGH: tl.constexpr):
    c = tl.program_id(0)
    total = 0.0
    for k in range(0, rows, HIGH):
        i = k + tl.arange(0, HIGH)
        total += tl.sum(tl.load(part_ptr + i * d + c, mask=i < rows, other=0.0), axis=0)
    tl.store(out_ptr + c, total)


def layer_norm_backward(grad_out, x, weight, mean, rstd, programs=528):
    x, grad_out, weight = x.contiguous(), grad_out.contiguous(), weight.contiguous()
    n, d = x.shape
    programs = n if n < programs else programs
    gx, gw, gb = x.new_empty((n, d)), x.new_empty(d), x.new_empty(d)
    pw, pb = x.new_empty((programs, d), dtype=torch.float32), x.new_empty((programs, d), dtype=torch.float32)
    stage_one[(programs,)](grad_out, x, weight, mean, rstd, gx, pw, pb, n, d, SIZE=triton.next_power_of_2(d))
    for part, out in ((pw, gw), (pb, gb)):
        column_sum[(d,)](part, out, programs, d, HIGH=16)
    return gx, gw, gb
