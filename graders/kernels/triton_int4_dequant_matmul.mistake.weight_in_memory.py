"""Unpacks the weight to memory, then multiplies."""

import torch
import triton
import triton.language as tl


@triton.jit
def unpack_kernel(p_ptr, s_ptr, z_ptr, w_ptr, n, group, BLOCK: tl.constexpr):
    word = tl.program_id(0)
    c = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    p = tl.load(p_ptr + word * n + c, mask=c < n, other=0)
    s = tl.load(s_ptr + word * 8 // group * n + c, mask=c < n, other=0.0).to(tl.float32)
    z = tl.load(z_ptr + word * 8 // group * n + c, mask=c < n, other=0.0).to(tl.float32)
    for j in range(8):
        tl.store(w_ptr + (word * 8 + j) * n + c, (((p >> (4 * j)) & 15) - z) * s, mask=c < n)


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
    x, scales, zeros = x.contiguous(), scales.contiguous(), zeros.contiguous()
    m, k = x.shape
    n = packed.shape[1]
    weight = torch.empty((k, n), dtype=x.dtype, device=x.device)
    unpack_kernel[(k // 8, triton.cdiv(n, 64))](packed, scales, zeros, weight, n, k // scales.shape[0], BLOCK=64)
    out = torch.empty((m, n), dtype=x.dtype, device=x.device)
    product_kernel[(triton.cdiv(m, 16), triton.cdiv(n, 64))](x, weight, out, m, k, n, BM=16, BN=64, BK=64)
    return out
