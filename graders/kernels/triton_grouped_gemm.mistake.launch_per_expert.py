"""The host reads the offsets and launches a kernel for each expert."""

from itertools import pairwise

import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x, w, out, m, n, k, x0, x1, w1, w2, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    i = tl.program_id(0) * M + tl.arange(0, M)
    j = tl.program_id(1) * N + tl.arange(0, N)
    acc = tl.zeros((M, N), tl.float32)
    for start in range(0, k, K):
        depth = start + tl.arange(0, K)
        a = tl.load(x + i[:, None] * x0 + depth[None, :] * x1, mask=(i < m)[:, None] & (depth < k)[None, :], other=0.0)
        b = tl.load(w + j[None, :] * w1 + depth[:, None] * w2, mask=(j < n)[None, :] & (depth < k)[:, None], other=0.0)
        acc = tl.dot(a, b, acc, input_precision="ieee")
    tl.store(out + i[:, None] * n + j[None, :], acc, mask=(i < m)[:, None] & (j < n)[None, :])


def grouped_gemm(x, w, offsets, block_m=128, block_n=128, block_k=64):
    n, k = w.shape[1:]
    out = torch.empty(x.shape[0], n, dtype=x.dtype, device=x.device)
    ends = offsets.tolist()
    for expert, (first, last) in enumerate(pairwise(ends)):
        if last > first:
            kernel[(triton.cdiv(last - first, block_m), triton.cdiv(n, block_n))](
                *(x[first:last], w[expert], out[first:last], last - first, n, k, *x.stride(), *w.stride()[1:]),
                M=block_m,
                N=block_n,
                K=block_k,
            )
    return out
