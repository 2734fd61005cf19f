"""Tiles are dealt out to the splits in turn; products without tl.dot, in powers of two; sums and maxima are merged."""

import torch
import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def attend(
    q, k, v, tables, lens, part, peaks, totals, q0, q1, q2, k0, k1, k2, k3, v0, v1, v2, v3, most, kv_heads,
    GROUP: tl.constexpr, R: tl.constexpr, D: tl.constexpr, W: tl.constexpr, PAGE: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    g = tl.program_id(0) % kv_heads
    b = (tl.program_id(0) // kv_heads).to(tl.int64)
    n = tl.program_id(1)
    r = tl.arange(0, R)
    d = tl.arange(0, W)
    mine = (r < GROUP)[:, None] & (d < D)[None, :]
    asked = tl.load(q + b * q0 + (g * GROUP + r)[:, None] * q1 + d[None, :] * q2, mask=mine, other=0.0).to(tl.float32)
    length = tl.load(lens + b)
    peak = tl.full((R,), -float("inf"), tl.float32)
    total = tl.zeros((R,), tl.float32)
    acc = tl.zeros((R, W), tl.float32)
    for start in range(n * T, length, tl.num_programs(1) * T):
        t = start + tl.arange(0, T)
        block = tl.load(tables + b * most + t // PAGE, mask=t < length, other=0).to(tl.int64)
        live = (t < length)[:, None] & (d < D)[None, :]
        key = tl.load(k + (block * k0 + t % PAGE * k1 + g * k2)[:, None] + d[None, :] * k3, mask=live, other=0.0)
        value = tl.load(v + (block * v0 + t % PAGE * v1 + g * v2)[:, None] + d[None, :] * v3, mask=live, other=0.0)
        score = tl.sum(asked[:, None, :] * key[None, :, :].to(tl.float32), 2) * (LOG2E / tl.sqrt(1.0 * D))
        score = tl.where((t < length)[None, :], score, -float("inf"))
        new = tl.maximum(peak, tl.max(score, 1))
        weight = tl.exp2(score - new[:, None])
        total = total * tl.exp2(peak - new) + tl.sum(weight, 1)
        acc *= tl.exp2(peak - new)[:, None]
        acc += tl.sum(weight[:, :, None] * value[None, :, :].to(tl.float32), 1)
        peak = new
    at = (n.to(tl.int64) * tl.num_programs(0) + tl.program_id(0)) * GROUP + r
    tl.store(part + at[:, None] * D + d[None, :], acc, mask=mine)
    tl.store(peaks + at, peak, mask=r < GROUP)
    tl.store(totals + at, total, mask=r < GROUP)


@triton.jit
def merge(part, peaks, totals, out, splits, rows, D: tl.constexpr, W: tl.constexpr):
    row = tl.program_id(0)
    d = tl.arange(0, W)
    top = -float("inf")
    for n in range(0, splits):
        top = tl.maximum(top, tl.load(peaks + n * rows + row))
    total = 0.0
    acc = tl.zeros((W,), tl.float32)
    for n in range(0, splits):
        peak = tl.load(peaks + n * rows + row)
        weight = tl.where(peak == -float("inf"), 0.0, tl.exp2(peak - top))
        total += weight * tl.load(totals + n * rows + row)
        acc += weight * tl.load(part + (n * rows + row) * D + d, mask=d < D, other=0.0)
    tl.store(out + row * D + d, tl.where(total > 0.0, acc / total, 0.0), mask=d < D)


def paged_decode(q, k_cache, v_cache, block_tables, context_lens, num_splits, block_k=64):
    batch, heads, D = q.shape
    page, kv_heads = k_cache.shape[1:3]
    part = torch.empty(num_splits, batch, heads, D, dtype=torch.float32, device=q.device)
    peaks, totals = torch.empty(2, num_splits, batch, heads, dtype=torch.float32, device=q.device).unbind(0)
    out = torch.empty(batch, heads, D, dtype=q.dtype, device=q.device)
    W = max(16, triton.next_power_of_2(D))
    attend[(batch * kv_heads, num_splits)](
        *(q, k_cache, v_cache, block_tables, context_lens, part, peaks, totals),
        *(*q.stride(), *k_cache.stride(), *v_cache.stride(), block_tables.stride(0), kv_heads),
        GROUP=heads // kv_heads, R=triton.next_power_of_2(heads // kv_heads), D=D, W=W, PAGE=page, T=block_k,
    )  # fmt: skip
    merge[(batch * heads,)](part, peaks, totals, out, num_splits, batch * heads, D=D, W=W)
    return out
