"""Seven programs that stay and walk through the experts, each taking every seventh tile; wᵀ's product transposed."""

import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x, w, offsets, out, n, k, experts, x0, x1, w0, w1, w2, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    at = tl.program_id(0)
    wide = tl.cdiv(n, N)
    before = 0
    for expert in range(0, experts):
        first = tl.load(offsets + expert)
        last = tl.load(offsets + expert + 1)
        after = before + tl.cdiv(last - first, M).to(tl.int32) * wide
        while at < after:
            i = first + (at - before) // wide * M + tl.arange(0, M)
            j = (at - before) % wide * N + tl.arange(0, N)
            acc = tl.zeros((N, M), tl.float32)
            steps = tl.cdiv(k, K)
            for back in range(0, steps):
                depth = (steps - 1 - back) * K + tl.arange(0, K)
                weight = tl.load(
                    w + (tl.zeros((), tl.int64) + expert) * w0 + j[:, None] * w1 + depth[None, :] * w2,
                    mask=(j < n)[:, None] & (depth < k)[None, :],
                    other=0.0,
                )
                tokens = tl.load(
                    x + i[None, :] * x0 + depth[:, None] * x1,
                    mask=(i < last)[None, :] & (depth < k)[:, None],
                    other=0.0,
                )
                acc = tl.dot(weight, tokens, acc, input_precision="ieee")
            tl.store(out + i[None, :] * n + j[:, None], acc, mask=(i < last)[None, :] & (j < n)[:, None])
            at += tl.num_programs(0)
        before = after


def grouped_gemm(x, w, offsets, block_m=128, block_n=128, block_k=64):
    out = torch.empty(x.shape[0], w.shape[1], dtype=x.dtype, device=x.device)
    kernel[(7,)](
        *(x, w, offsets, out, w.shape[1], w.shape[2], w.shape[0], *x.stride(), *w.stride()),
        M=block_m,
        N=block_n,
        K=block_k,
    )
    return out
