"""One program a head of a token: each loads the cosines and sines of the token again."""

import triton
import triton.language as tl


@triton.jit
def kernel(x, cos, sin, half, s0, s1, s2, s3, c0, c1, z0, z1, BACK: tl.constexpr, HALF: tl.constexpr):
    t, h, b = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    i = tl.arange(0, HALF)
    ok = i < half
    c = tl.load(cos + t * c0 + i * c1, mask=ok, other=0.0).to(tl.float32)
    z = tl.load(sin + t * z0 + i * z1, mask=ok, other=0.0).to(tl.float32)
    if BACK:
        z = -z
    at = x + b * s0 + h * s1 + t * s2 + i * s3
    lo = tl.load(at, mask=ok, other=0.0).to(tl.float32)
    hi = tl.load(at + half * s3, mask=ok, other=0.0).to(tl.float32)
    tl.store(at, lo * c - hi * z, mask=ok)
    tl.store(at + half * s3, hi * c + lo * z, mask=ok)


def rope_(q, k, cos, sin, backward=False):
    for x in (q, k):
        b, n, s, d = x.shape
        strides = *x.stride(), *cos.stride(), *sin.stride()
        kernel[(s, n, b)](x, cos, sin, d // 2, *strides, BACK=backward, HALF=triton.next_power_of_2(d // 2))
