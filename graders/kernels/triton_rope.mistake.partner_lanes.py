"""A lane per feature: each loads its own number and its partner's, and stores its own."""

import triton
import triton.language as tl


@triton.jit
def turn(x, cos, sin, n, d, sh, sd, N: tl.constexpr, D: tl.constexpr):
    h = tl.arange(0, N)[:, None]
    i = tl.arange(0, D)[None, :]
    ok = (h < n) & (i < d)
    partner = tl.where(i < d // 2, i + d // 2, i - d // 2)
    own = tl.load(x + h * sh + i * sd, mask=ok, other=0.0).to(tl.float32)
    other = tl.load(x + h * sh + partner * sd, mask=ok, other=0.0).to(tl.float32)
    tl.store(x + h * sh + i * sd, own * cos[None, :] + tl.where(i < d // 2, -other, other) * sin[None, :], mask=ok)


@triton.jit
def kernel(q, k, cos, sin, n, m, d, q0, q1, q2, q3, k0, k1, k2, k3, c0, c1, z0, z1, sign, N: tl.constexpr, M: tl.constexpr, D: tl.constexpr):  # fmt: skip
    t, b = tl.program_id(0), tl.program_id(1)
    i = tl.arange(0, D)
    c = tl.load(cos + t * c0 + i * c1, mask=i < d, other=0.0).to(tl.float32)
    z = tl.load(sin + t * z0 + i * z1, mask=i < d, other=0.0).to(tl.float32) * sign
    turn(q + b * q0 + t * q2, c, z, n, d, q1, q3, N, D)
    turn(k + b * k0 + t * k2, c, z, m, d, k1, k3, M, D)


def rope_(q, k, cos, sin, backward=False):
    b, n, s, d = q.shape
    m, up = k.shape[1], triton.next_power_of_2
    strides = *q.stride(), *k.stride(), *cos.stride(), *sin.stride()
    kernel[(s, b)](q, k, cos, sin, n, m, d, *strides, -1.0 if backward else 1.0, N=up(n), M=up(m), D=up(d))
