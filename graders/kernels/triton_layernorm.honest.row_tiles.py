"""Tiles of four rows: each program takes a run of neighbouring rows; stage two is one program a column block, row by row."""

import torch
import triton
import triton.language as tl


@triton.jit
def fwd(x, w, b, y, mu, rs, n, d, eps, R: tl.constexpr, C: tl.constexpr):
    i = tl.program_id(0) * R + tl.arange(0, R)
    j = tl.arange(0, C)
    ok = (i < n)[:, None] & (j < d)[None, :]
    at = i.to(tl.int64)[:, None] * d + j[None, :]
    t = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    m = tl.sum(t, 1) / d
    t = tl.where(ok, t - m[:, None], 0.0)
    v = tl.sum(t * t, 1) / d
    r = 1.0 / tl.sqrt(v + eps)
    scale = tl.load(w + j, mask=j < d, other=0.0).to(tl.float32)
    shift = tl.load(b + j, mask=j < d, other=0.0).to(tl.float32)
    tl.store(y + at, t * r[:, None] * scale[None, :] + shift[None, :], mask=ok)
    tl.store(mu + i, m, mask=i < n)
    tl.store(rs + i, r, mask=i < n)


@triton.jit
def bwd(dy, x, w, mu, rs, dx, parts, n, d, run, R: tl.constexpr, C: tl.constexpr):
    p = tl.program_id(0)
    j = tl.arange(0, C)
    scale = tl.load(w + j, mask=j < d, other=0.0).to(tl.float32)
    dw = tl.zeros((C,), tl.float32)
    db = tl.zeros((C,), tl.float32)
    for k in range(0, run, R):
        i = p * run + k + tl.arange(0, R)
        live = (i < n) & (i < (p + 1) * run)
        ok = live[:, None] & (j < d)[None, :]
        at = i.to(tl.int64)[:, None] * d + j[None, :]
        m = tl.load(mu + i, mask=live, other=0.0)
        r = tl.load(rs + i, mask=live, other=0.0)
        xh = tl.where(ok, (tl.load(x + at, mask=ok, other=0.0).to(tl.float32) - m[:, None]) * r[:, None], 0.0)
        g = tl.load(dy + at, mask=ok, other=0.0).to(tl.float32)
        dw += tl.sum(g * xh, 0)
        db += tl.sum(g, 0)
        g = g * scale[None, :]
        c1 = tl.sum(xh * g, 1) / d
        c2 = tl.sum(g, 1) / d
        tl.store(dx + at, (g - (xh * c1[:, None] + c2[:, None])) * r[:, None], mask=ok)
    tl.store(parts + p * 2 * d + j, dw, mask=j < d)
    tl.store(parts + p * 2 * d + d + j, db, mask=j < d)


@triton.jit
def finish(parts, dw, db, count, d, C: tl.constexpr):
    j = tl.program_id(0) * C + tl.arange(0, C)
    a = tl.zeros((C,), tl.float32)
    b = tl.zeros((C,), tl.float32)
    for p in range(count):
        a += tl.load(parts + p * 2 * d + j, mask=j < d, other=0.0)
        b += tl.load(parts + p * 2 * d + d + j, mask=j < d, other=0.0)
    tl.store(dw + j, a, mask=j < d)
    tl.store(db + j, b, mask=j < d)


def layer_norm(x, weight, bias, eps=1e-5):
    n, d = x.shape
    y = torch.empty((n, d), dtype=x.dtype, device=x.device)
    mu, rs = (torch.empty(n, dtype=torch.float32, device=x.device) for _ in range(2))
    fwd[(triton.cdiv(n, 4),)](
        x.contiguous(), weight.contiguous(), bias.contiguous(), y, mu, rs, n, d, eps, R=4, C=triton.next_power_of_2(d)
    )
    return y, mu, rs


def layer_norm_backward(grad_out, x, weight, mean, rstd, programs=528):
    n, d = x.shape
    run = triton.cdiv(n, programs)
    count = triton.cdiv(n, run)
    dx = torch.empty((n, d), dtype=x.dtype, device=x.device)
    dw, db = (torch.empty(d, dtype=x.dtype, device=x.device) for _ in range(2))
    parts = torch.empty((count, 2, d), dtype=torch.float32, device=x.device)
    bwd[(count,)](
        grad_out.contiguous(), x.contiguous(), weight.contiguous(), mean, rstd, dx, parts, n, d, run,
        R=4, C=triton.next_power_of_2(d),
    )  # fmt: skip
    finish[(triton.cdiv(d, 16),)](parts, dw, db, count, d, C=16)
    return dx, dw, db
