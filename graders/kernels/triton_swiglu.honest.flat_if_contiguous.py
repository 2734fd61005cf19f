"""One dimension where everything is contiguous, else rows by their strides; σ is made of exp2 and of 1 / (1 + e)."""

import torch
import triton
import triton.language as tl


@triton.jit
def sigma(g):
    return 1.0 / (1.0 + tl.exp2(g * -1.4426950408889634))


@triton.jit
def fwd(g, u, o, total, SIZE: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * SIZE + tl.arange(0, SIZE)
    ok = i < total
    a = tl.load(g + i, mask=ok, other=0.0).to(tl.float32)
    b = tl.load(u + i, mask=ok, other=0.0).to(tl.float32)
    tl.store(o + i, (a * sigma(a) * b).to(o.dtype.element_ty), mask=ok)


@triton.jit
def bwd(dy, g, u, dg, du, total, SIZE: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * SIZE + tl.arange(0, SIZE)
    ok = i < total
    y = tl.load(dy + i, mask=ok, other=0.0).to(tl.float32)
    a = tl.load(g + i, mask=ok, other=0.0).to(tl.float32)
    b = tl.load(u + i, mask=ok, other=0.0).to(tl.float32)
    s = sigma(a)
    silu = a * s
    tl.store(du + i, (y * silu).to(du.dtype.element_ty), mask=ok)
    tl.store(dg + i, (y * b * (silu + s * (1.0 - silu))).to(dg.dtype.element_ty), mask=ok)


@triton.jit
def fwd_rows(g, u, o, d, g0, u0, SIZE: tl.constexpr):
    row = tl.program_id(0)
    for start in range(0, d, SIZE):
        j = start + tl.arange(0, SIZE)
        a = tl.load(g + row * g0 + j, mask=j < d, other=0.0).to(tl.float32)
        b = tl.load(u + row * u0 + j, mask=j < d, other=0.0).to(tl.float32)
        tl.store(o + row * d + j, a * sigma(a) * b, mask=j < d)


@triton.jit
def bwd_rows(dy, g, u, dg, du, d, g0, u0, SIZE: tl.constexpr):
    row = tl.program_id(0)
    for start in range(0, d, SIZE):
        j = start + tl.arange(0, SIZE)
        y = tl.load(dy + row * d + j, mask=j < d, other=0.0).to(tl.float32)
        a = tl.load(g + row * g0 + j, mask=j < d, other=0.0).to(tl.float32)
        b = tl.load(u + row * u0 + j, mask=j < d, other=0.0).to(tl.float32)
        s = sigma(a)
        tl.store(du + row * d + j, y * a * s, mask=j < d)
        tl.store(dg + row * d + j, y * b * s * (1.0 + a * (1.0 - s)), mask=j < d)


class Gate(torch.autograd.Function):
    @staticmethod
    def forward(gate, up, size):
        out = torch.empty(gate.shape, dtype=gate.dtype, device=gate.device)
        if gate.is_contiguous() and up.is_contiguous():
            fwd[(triton.cdiv(out.numel(), size),)](gate, up, out, out.numel(), SIZE=size)
        else:
            fwd_rows[(out.shape[0],)](gate, up, out, out.shape[1], gate.stride(0), up.stride(0), SIZE=size)
        return out

    @staticmethod
    def setup_context(ctx, inputs, output):
        gate, up, ctx.size = inputs
        ctx.save_for_backward(gate, up)

    @staticmethod
    def backward(ctx, dy):
        gate, up = ctx.saved_tensors
        dy = dy.contiguous()
        dg, du = torch.empty_like(dy), torch.empty_like(dy)
        if gate.is_contiguous() and up.is_contiguous():
            bwd[(triton.cdiv(dy.numel(), ctx.size),)](dy, gate, up, dg, du, dy.numel(), SIZE=ctx.size)
        else:
            n, d = dy.shape
            bwd_rows[(n,)](dy, gate, up, dg, du, d, gate.stride(0), up.stride(0), SIZE=ctx.size)
        return dg, du, None


def swiglu(gate, up, block=1024):
    if gate.stride(1) != 1 or up.stride(1) != 1:
        gate, up = gate.contiguous(), up.contiguous()
    return Gate.apply(gate, up, block)
