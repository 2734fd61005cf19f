"""A launch for q and one for k; pairs are loaded as one tile, split, turned, joined and stored as one tile."""

import triton
import triton.language as tl


@triton.jit
def pair_kernel(
    x, cos, sin, n, half, s0, s1, s2, s3, c0, c1, z0, z1, BACK: tl.constexpr, N: tl.constexpr, P: tl.constexpr
):
    b, t = tl.program_id(1), tl.program_id(0)
    p = tl.arange(0, P)
    c = tl.load(cos + t * c0 + (p + half) * c1, mask=p < half, other=1.0).to(tl.float32)[None, :]
    z = tl.load(sin + t * z0 + (p + half) * z1, mask=p < half, other=0.0).to(tl.float32)[None, :]
    h = tl.arange(0, N)[:, None, None]
    i = tl.arange(0, P)[None, :, None]
    side = tl.arange(0, 2)[None, None, :]
    ok = (h < n) & (i < half) & (side < 2)
    at = x + b * s0 + t * s2 + h * s1 + (i + side * half) * s3
    lo, hi = tl.split(tl.load(at, mask=ok, other=0.0).to(tl.float32))
    if BACK:
        z = 0.0 - z
    tl.store(at, tl.join(lo * c - hi * z, lo * z + hi * c), mask=ok)


def rope_(q, k, cos, sin, backward=False):
    for x in (q, k):
        b, n, s, d = x.shape
        pair_kernel[(s, b)](
            x, cos, sin, n, d // 2, *x.stride(), *cos.stride(), *sin.stride(),
            BACK=backward, N=triton.next_power_of_2(n), P=triton.next_power_of_2(d // 2),
        )  # fmt: skip
