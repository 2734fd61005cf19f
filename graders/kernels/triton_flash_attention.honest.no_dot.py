"""Everything cast to float32 by torch first, products as broadcast sums, natural exponentials, a mask on every tile."""

import torch
import triton
import triton.language as tl


@triton.jit
def kernel(
    q,
    k,
    v,
    o,
    lse_ptr,
    n_q,
    n_k,
    dim,
    group,
    root,
    CAUSAL: tl.constexpr,
    M: tl.constexpr,
    N: tl.constexpr,
    W: tl.constexpr,
):
    head = tl.program_id(0)
    i = tl.program_id(1) * M + tl.arange(0, M)
    c = tl.arange(0, W)
    live = (i[:, None] < n_q) & (c[None, :] < dim)
    queries = tl.load(q + (head * n_q + i[:, None]) * dim + c[None, :], mask=live, other=0.0) / root
    m = tl.full([M], -1e30, tl.float32)
    s = tl.zeros([M], tl.float32)
    a = tl.zeros([M, W], tl.float32)
    end = n_k
    if CAUSAL:
        end = tl.minimum(n_k, n_k - n_q + tl.program_id(1) * M + M)
    for first in range(0, tl.cdiv(tl.maximum(end, 0), N)):
        j = first * N + tl.arange(0, N)
        there = (j[:, None] < n_k) & (c[None, :] < dim)
        at = (head // group * n_k + j[:, None]) * dim + c[None, :]
        keys = tl.load(k + at, mask=there, other=0.0)
        values = tl.load(v + at, mask=there, other=0.0)
        x = tl.sum(queries[:, None, :] * keys[None, :, :], 2)
        free = j[None, :] < n_k
        if CAUSAL:
            free = free & (j[None, :] - n_k <= i[:, None] - n_q)
        top = tl.maximum(m, tl.max(tl.where(free, x, -1e30), 1))
        p = tl.where(free, tl.exp(x - top[:, None]), 0.0)
        back = tl.exp(m - top)
        s = s * back + tl.sum(p, 1)
        a = a * back[:, None] + tl.sum(p[:, :, None] * values[None, :, :], 1)
        m = top
    some = s > 0
    tl.store(o + (head * n_q + i[:, None]) * dim + c[None, :], tl.where(some[:, None], a / s[:, None], 0.0), mask=live)
    tl.store(lse_ptr + head * n_q + i, tl.where(some, m + tl.log(s), -float("inf")), mask=i < n_q)


def flash_attention(q, k, v, is_causal=False, block_q=128, block_k=64):
    batch, heads, n_q, dim = q.shape
    kv_heads, n_k = k.shape[1], k.shape[2]
    wide = [x.float().contiguous() for x in (q, k, v)]
    o = torch.empty_like(wide[0])
    lse_ptr = torch.empty(batch, heads, n_q, device=q.device)
    grid = (batch * heads, triton.cdiv(n_q, block_q))
    kernel[grid](
        *wide,
        o,
        lse_ptr,
        n_q,
        n_k,
        dim,
        heads // kv_heads,
        dim**0.5,
        is_causal,
        block_q,
        block_k,
        triton.next_power_of_2(dim),
    )
    return o.to(q.dtype), lse_ptr
