"""The transposed product bᵀ · aᵀ, from the last step along k to the first; inputs made contiguous."""

import triton
import triton.language as tl


@triton.jit
def kernel(a, b, out, m, n, k, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, G: tl.constexpr):
    tall, wide = tl.cdiv(m, M), tl.cdiv(n, N)
    number = tl.program_id(0)
    band = number // (wide * G)
    rows = tl.minimum(G, tall - band * G)
    left = number % (wide * G)
    i = (band * G + left % rows) * M + tl.arange(0, M)[None, :]
    j = (left // rows) * N + tl.arange(0, N)[:, None]
    total = tl.zeros((N, M), tl.float32)
    steps = (k + K - 1) // K
    for back in range(0, steps):
        first = (steps - 1 - back) * K
        at = first + tl.arange(0, K)
        left_tile = tl.load(b + at[None, :] * n + j, mask=(at[None, :] < k) & (j < n), other=0.0)
        right_tile = tl.load(a + i * k + at[:, None], mask=(at[:, None] < k) & (i < m), other=0.0)
        total = tl.dot(left_tile, right_tile, total, input_precision="ieee")
    tl.store(out + i * n + j, total, mask=(i < m) & (j < n))


def matmul(a, b, block_m=128, block_n=128, block_k=64, group_m=8):
    a, b = a.contiguous(), b.contiguous()
    m, k = a.shape
    n = b.shape[1]
    out = a.new_empty(m, n)
    grid = (triton.cdiv(m, block_m) * triton.cdiv(n, block_n),)
    kernel[grid](a, b, out, m, n, k, M=block_m, N=block_n, K=block_k, G=group_m)
    return out
