"""torch rotates; the kernel copies the result into place."""

import torch
import triton
import triton.language as tl


@triton.jit
def copy_kernel(source, target, s, d, s0, s1, s2, s3, t0, t1, t2, t3, D: tl.constexpr):
    t, h, b = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    i = tl.arange(0, D)
    value = tl.load(source + b * s0 + h * s1 + t * s2 + i * s3, mask=i < d)
    tl.store(target + b * t0 + h * t1 + t * t2 + i * t3, value, mask=i < d)


def rope_(q, k, cos, sin, backward=False):
    for x in (q, k):
        b, n, s, d = x.shape
        wide = x.float()
        first, second = wide.chunk(2, dim=-1)
        turned = wide * cos + torch.cat((-second, first), dim=-1) * (-sin if backward else sin)
        turned = turned.to(x.dtype)
        copy_kernel[(s, n, b)](turned, x, s, d, *turned.stride(), *x.stride(), D=triton.next_power_of_2(d))
