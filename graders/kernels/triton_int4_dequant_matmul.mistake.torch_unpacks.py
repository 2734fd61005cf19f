"""torch unpacks, the kernel multiplies."""

import torch
import triton
import triton.language as tl


@triton.jit
def product_kernel(x_ptr, w_ptr, y_ptr, m, k, n, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    c = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, k, BK):
        j = start + tl.arange(0, BK)
        x = tl.load(x_ptr + i[:, None] * k + j[None, :], mask=(i < m)[:, None] & (j < k)[None, :], other=0.0)
        w = tl.load(w_ptr + j[:, None] * n + c[None, :], mask=(j < k)[:, None] & (c < n)[None, :], other=0.0)
        acc = tl.dot(x, w, acc, input_precision="ieee")
    tl.store(y_ptr + i[:, None] * n + c[None, :], acc, mask=(i < m)[:, None] & (c < n)[None, :])


def int4_matmul(x, packed, scales, zeros):
    m, k = x.shape
    n = packed.shape[1]
    group = k // scales.shape[0]
    bits = ((packed[:, None, :] >> torch.arange(0, 32, 4)[:, None]) & 15).reshape(k, n).float()
    weight = (bits - zeros.float().repeat_interleave(group, 0)) * scales.float().repeat_interleave(group, 0)
    out = torch.empty((m, n), dtype=x.dtype, device=x.device)
    grid = (triton.cdiv(m, 16), triton.cdiv(n, 64))
    product_kernel[grid](x.contiguous(), weight.to(x.dtype), out, m, k, n, BM=16, BN=64, BK=64)
    return out
