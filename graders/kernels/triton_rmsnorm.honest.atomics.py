"""Consecutive rows for each program; the weight's gradient by float32 atomics into one row, cast afterwards."""

import torch
import triton
import triton.language as tl


@triton.jit
def fwd(x, r, w, y, s, rs, sx0, sx1, sr0, sr1, d, eps, B: tl.constexpr):
    i = tl.program_id(0)
    j = tl.arange(0, B)
    ok = j < d
    a = tl.load(x + i * sx0 + j * sx1, mask=ok, other=0).to(tl.float32)
    a += tl.load(r + i * sr0 + j * sr1, mask=ok, other=0).to(tl.float32)
    tl.store(s + i * d + j, a, mask=ok)
    a = a.to(s.dtype.element_ty).to(tl.float32)
    inverse = tl.rsqrt(tl.sum(a * a, axis=0) * (1.0 / d) + eps)
    tl.store(rs + i, inverse)
    tl.store(y + i * d + j, (a * inverse) * tl.load(w + j, mask=ok, other=0).to(tl.float32), mask=ok)


@triton.jit
def bwd(dy, ds, s, w, rs, dx, dw, n, d, rows, B: tl.constexpr):
    first = tl.program_id(0) * rows
    j = tl.arange(0, B)
    ok = j < d
    wide = tl.load(w + j, mask=ok, other=0).to(tl.float32)
    total = tl.zeros([B], dtype=tl.float32)
    for i in range(first, tl.minimum(first + rows, n)):
        g = tl.load(dy + i * d + j, mask=ok, other=0).to(tl.float32)
        a = tl.load(s + i * d + j, mask=ok, other=0).to(tl.float32)
        c = tl.load(rs + i)
        total += g * a * c
        m = g * wide
        dot = tl.sum(m * a, axis=0)
        pulled = c * m - (c * c * c / d) * dot * a
        tl.store(dx + i * d + j, tl.load(ds + i * d + j, mask=ok, other=0).to(tl.float32) + pulled, mask=ok)
    tl.atomic_add(dw + j, total, mask=ok)


class AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, residual, weight, eps, programs):
        n, d = x.shape
        weight = weight.contiguous()
        y, s = (torch.empty((n, d), dtype=x.dtype, device=x.device) for _ in range(2))
        rs = torch.empty((n,), dtype=torch.float32, device=x.device)
        strides = (*x.stride(), *residual.stride())
        fwd[(n,)](x, residual, weight, y, s, rs, *strides, d, eps, B=triton.next_power_of_2(d))
        ctx.save_for_backward(s, weight, rs)
        ctx.rows = triton.cdiv(n, programs)
        return y, s

    @staticmethod
    def backward(ctx, dy, ds):
        s, weight, rs = ctx.saved_tensors
        n, d = s.shape
        dx, dw = torch.empty_like(s), torch.zeros(d, dtype=torch.float32, device=s.device)
        grid = (triton.cdiv(n, ctx.rows),)
        bwd[grid](dy.contiguous(), ds.contiguous(), s, weight, rs, dx, dw, n, d, ctx.rows, B=triton.next_power_of_2(d))
        return dx, dx.clone(), dw.to(weight.dtype), None, None


def fused_add_rms_norm(x, residual, weight, eps=1e-6, programs=256):
    return AddNorm.apply(x, residual, weight, eps, programs)
