"""Tiles of four rows by a quarter of the block; every stride is an argument, so that nothing is copied."""

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable


@triton.jit
def tile(N, D, ROWS: tl.constexpr, COLS: tl.constexpr):
    i = tl.program_id(1).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    j = tl.program_id(0) * COLS + tl.arange(0, COLS)[None, :]
    return i, j, (i < N) & (j < D)


@triton.jit
def gated(g, u, o, N, D, g0, g1, u0, u1, ROWS: tl.constexpr, COLS: tl.constexpr):
    i, j, ok = tile(N, D, ROWS, COLS)
    a = tl.load(g + i * g0 + j * g1, mask=ok).to(tl.float32)
    b = tl.load(u + i * u0 + j * u1, mask=ok).to(tl.float32)
    tl.store(o + i * D + j, a * b / (1 + tl.exp(-a)), mask=ok)


@triton.jit
def pulled(y, g, u, dg, du, N, D, y0, y1, g0, g1, u0, u1, ROWS: tl.constexpr, COLS: tl.constexpr):
    i, j, ok = tile(N, D, ROWS, COLS)
    c = tl.load(y + i * y0 + j * y1, mask=ok).to(tl.float32)
    a = tl.load(g + i * g0 + j * g1, mask=ok).to(tl.float32)
    b = tl.load(u + i * u0 + j * u1, mask=ok).to(tl.float32)
    e = tl.exp(-tl.abs(a))
    s = tl.where(a >= 0, 1 / (1 + e), e / (1 + e))
    tl.store(dg + i * D + j, c * b * (s + a * e / ((1 + e) * (1 + e))), mask=ok)
    tl.store(du + i * D + j, c * a * s, mask=ok)


class SiluMul(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gate, up, block):
        ctx.save_for_backward(gate, up)
        ctx.rows, ctx.cols = 4, block // 4
        n, d = gate.shape
        out = gate.new_empty((n, d))
        grid = (triton.cdiv(d, ctx.cols), triton.cdiv(n, ctx.rows))
        gated[grid](gate, up, out, n, d, *gate.stride(), *up.stride(), ROWS=ctx.rows, COLS=ctx.cols)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, y):
        gate, up = ctx.saved_tensors
        n, d = gate.shape
        dg, du = gate.new_empty((2, n, d)).unbind(0)
        grid = (triton.cdiv(d, ctx.cols), triton.cdiv(n, ctx.rows))
        strides = (*y.stride(), *gate.stride(), *up.stride())
        pulled[grid](y, gate, up, dg, du, n, d, *strides, ROWS=ctx.rows, COLS=ctx.cols)
        return dg, du, None


def swiglu(gate, up, block=1024):
    return SiluMul.apply(gate, up, block)
