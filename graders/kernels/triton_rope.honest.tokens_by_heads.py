"""Sixteen tokens a program; a loop over the heads of q and then of k."""

import triton
import triton.language as tl


@triton.jit
def heads_kernel(x, n, s, half, sb, sh, ss, sd, b, t, p, c, z, ok):
    for h in range(0, n):
        at = x + b * sb + h * sh + t * ss + p * sd
        lo = tl.load(at, mask=ok, other=0.0).to(tl.float32)
        hi = tl.load(at + half * sd, mask=ok, other=0.0).to(tl.float32)
        tl.store(at, lo * c - hi * z, mask=ok)
        tl.store(at + half * sd, hi * c + lo * z, mask=ok)


@triton.jit
def kernel(
    q,
    k,
    cos,
    sin,
    n,
    m,
    s,
    half,
    q0,
    q1,
    q2,
    q3,
    k0,
    k1,
    k2,
    k3,
    c0,
    c1,
    z0,
    z1,
    sign,
    T: tl.constexpr,
    P: tl.constexpr,
):
    b = tl.program_id(1)
    t = tl.program_id(0) * T + tl.arange(0, T)[:, None]
    p = tl.arange(0, P)[None, :]
    ok = (t < s) & (p < half)
    c = tl.load(cos + t * c0 + p * c1, mask=ok, other=0.0).to(tl.float32)
    z = tl.load(sin + t * z0 + p * z1, mask=ok, other=0.0).to(tl.float32) * sign
    heads_kernel(q, n, s, half, q0, q1, q2, q3, b, t, p, c, z, ok)
    heads_kernel(k, m, s, half, k0, k1, k2, k3, b, t, p, c, z, ok)


def rope_(q, k, cos, sin, backward=False):
    b, n, s, d = q.shape
    kernel[(triton.cdiv(s, 16), b)](
        q, k, cos, sin, n, k.shape[1], s, d // 2, *q.stride(), *k.stride(), *cos.stride(), *sin.stride(),
        -1.0 if backward else 1.0, T=16, P=triton.next_power_of_2(d // 2),
    )  # fmt: skip
