"""Every expert gets as many tiles as if all tokens were its own, and none of them leaves early."""

import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x, w, offsets, out, n, k, x0, x1, w0, w1, w2, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    expert = tl.program_id(2).to(tl.int64)
    i = tl.load(offsets + expert) + tl.program_id(1) * M + tl.arange(0, M)
    j = tl.program_id(0) * N + tl.arange(0, N)
    mine = i < tl.load(offsets + expert + 1)
    acc = tl.zeros((M, N), tl.float32)
    for start in range(0, k, K):
        depth = start + tl.arange(0, K)
        a = tl.load(x + i[:, None] * x0 + depth[None, :] * x1, mask=mine[:, None] & (depth < k)[None, :], other=0.0)
        b = tl.load(
            w + expert * w0 + j[None, :] * w1 + depth[:, None] * w2,
            mask=(j < n)[None, :] & (depth < k)[:, None],
            other=0.0,
        )
        acc = tl.dot(a, b, acc, input_precision="ieee")
    tl.store(out + i[:, None] * n + j[None, :], acc, mask=mine[:, None] & (j < n)[None, :])


def grouped_gemm(x, w, offsets, block_m=128, block_n=128, block_k=64):
    (total, k), (experts, n, _) = x.shape, w.shape
    out = torch.empty(total, n, dtype=x.dtype, device=x.device)
    kernel[(triton.cdiv(n, block_n), triton.cdiv(total, block_m), experts)](
        *(x, w, offsets, out, n, k, *x.stride(), *w.stride()), M=block_m, N=block_n, K=block_k
    )
    return out
