"""One kernel for any m, without tl.dot: parts of k in programs of their own, a second kernel sums them."""

import torch
import triton
import triton.language as tl


@triton.jit
def parts_kernel(x, w, s, z, part, m, n, k8, chunk, per_group, ROWS: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr):
    c = (tl.program_id(0) * N + tl.arange(0, N))[None, :]
    split = tl.program_id(1)
    r = tl.arange(0, ROWS)[:, None]
    end = tl.minimum(k8, (split + 1) * chunk)
    acc = tl.zeros((ROWS, N), tl.float32)
    for first in range(split * chunk, end, STEP):
        word = (first + tl.arange(0, STEP))[:, None]
        ok = (word < end) & (c < n)
        bits = tl.load(w + word * n + c, mask=ok, other=0)
        scale = tl.load(s + word // per_group * n + c, mask=ok, other=0.0).to(tl.float32)
        zero = tl.load(z + word // per_group * n + c, mask=ok, other=0.0).to(tl.float32)
        across = first + tl.arange(0, STEP)[None, :]
        for nib in range(8):
            xs = tl.load(x + r * k8 * 8 + across * 8 + nib, mask=(r < m) & (across < end), other=0.0).to(tl.float32)
            weight = ((bits >> (nib * 4)) & 0xF) * scale - zero * scale
            acc += tl.sum(xs[:, :, None] * weight[None, :, :], 1)
    tl.store(part + (split * m + r) * n + c, acc, mask=(r < m) & (c < n))


@triton.jit
def sum_kernel(part, out, size, splits, N: tl.constexpr):
    at = tl.program_id(0) * N + tl.arange(0, N)
    total = tl.zeros((N,), tl.float32)
    for split in range(splits):
        total += tl.load(part + split * size + at, mask=at < size, other=0.0)
    tl.store(out + at, total, mask=at < size)


def int4_matmul(x, packed, scales, zeros):
    x, scales, zeros = x.contiguous(), scales.contiguous(), zeros.contiguous()
    (m, k), n = x.shape, packed.shape[1]
    chunk = triton.cdiv(k // 8, 2)
    part = torch.empty(2, m, n, dtype=torch.float32, device=x.device)
    parts_kernel[(triton.cdiv(n, 32), 2)](
        x, packed, scales, zeros, part, m, n, k // 8, chunk, k // scales.shape[0] // 8,
        ROWS=triton.next_power_of_2(m), N=32, STEP=16,
    )  # fmt: skip
    out = torch.empty(m, n, dtype=x.dtype, device=x.device)
    sum_kernel[(triton.cdiv(m * n, 1024),)](part, out, m * n, 2, N=1024)
    return out
