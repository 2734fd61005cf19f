"""Scores with keys as rows, splits cut to the token, backwards; one program merges all rows of a key head, online."""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def attend(
    q, k, v, tables, lens, part, lse, k0, k1, k2, k3, v0, v1, v2, v3, most, splits, scale,
    GROUP: tl.constexpr, R: tl.constexpr, D: tl.constexpr, W: tl.constexpr, PAGE: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    b = (tl.program_id(0) // splits).to(tl.int64)
    split = tl.program_id(0) % splits
    g = tl.program_id(1)
    r = tl.arange(0, R)
    d = tl.arange(0, W)
    mine = (d < D)[:, None] & (r < GROUP)[None, :]
    row = (b * tl.num_programs(1) + g) * GROUP + r
    asked = tl.load(q + row[None, :] * D + d[:, None], mask=mine, other=0.0)  # (W, R)
    length = tl.load(lens + b)
    share = (length + splits - 1) // splits
    first = tl.minimum(split * share, length)
    stop = tl.minimum(first + share, length)
    peak = tl.full((R,), -float("inf"), tl.float32)
    total = tl.zeros((R,), tl.float32)
    acc = tl.zeros((W, R), tl.float32)
    for done in range(0, stop - first, T):
        t = stop - 1 - done - tl.arange(0, T)
        there = t >= first
        block = tl.load(tables + b * most + t // PAGE, mask=there, other=0).to(tl.int64)
        k_at = block * k0 + t % PAGE * k1 + g * k2
        v_at = block * v0 + t % PAGE * v1 + g * v2
        key = tl.load(k + k_at[:, None] + d[None, :] * k3, mask=there[:, None] & (d < D)[None, :], other=0.0)
        value = tl.load(v + v_at[None, :] + d[:, None] * v3, mask=there[None, :] & (d < D)[:, None], other=0.0)
        score = tl.where(there[:, None], tl.dot(key, asked, input_precision="ieee") * scale, -float("inf"))  # (T, R)
        new = tl.maximum(peak, tl.max(score, 0))
        weight = tl.exp(score - new[None, :])
        total = total * tl.exp(peak - new) + tl.sum(weight, 0)
        acc = acc * tl.exp(peak - new)[None, :] + tl.dot(value, weight.to(value.dtype), input_precision="ieee")
        peak = new
    empty = total == 0.0
    at = row * splits + split
    tl.store(part + at[None, :] * D + d[:, None], acc / tl.where(empty, 1.0, total)[None, :], mask=mine)
    tl.store(lse + at, tl.where(empty, -float("inf"), peak + tl.log(tl.where(empty, 1.0, total))), mask=r < GROUP)


@triton.jit
def merge(part, lse, out, splits, GROUP: tl.constexpr, R: tl.constexpr, D: tl.constexpr, W: tl.constexpr):
    r = tl.arange(0, R)
    d = tl.arange(0, W)
    row = tl.program_id(0).to(tl.int64) * GROUP + r
    mine = (r < GROUP)[:, None] & (d < D)[None, :]
    peak = tl.full((R,), -1e30, tl.float32)
    total = tl.zeros((R,), tl.float32)
    acc = tl.zeros((R, W), tl.float32)
    for n in range(0, splits):
        added = tl.load(lse + row * splits + n, mask=r < GROUP, other=-float("inf"))
        new = tl.maximum(peak, added)
        acc *= tl.exp(peak - new)[:, None]
        acc += tl.exp(added - new)[:, None] * tl.load(
            part + (row * splits + n)[:, None] * D + d[None, :], mask=mine, other=0.0
        )
        total = total * tl.exp(peak - new) + tl.exp(added - new)
        peak = new
    tl.store(out + row[:, None] * D + d[None, :], acc / tl.where(total == 0.0, 1.0, total)[:, None], mask=mine)


def paged_decode(q, k_cache, v_cache, block_tables, context_lens, num_splits, block_k=64):
    batch, heads, D = q.shape
    page, kv_heads = k_cache.shape[1:3]
    part = torch.empty(batch, heads, num_splits, D, dtype=torch.float32, device=q.device)
    lse = torch.empty(batch, heads, num_splits, dtype=torch.float32, device=q.device)
    out = torch.empty(batch, heads, D, dtype=q.dtype, device=q.device)
    group = heads // kv_heads
    sizes = {"GROUP": group, "R": max(16, triton.next_power_of_2(group)), "D": D}
    sizes["W"] = max(16, triton.next_power_of_2(D))
    attend[(batch * num_splits, kv_heads)](
        *(q.contiguous(), k_cache, v_cache, block_tables, context_lens, part, lse),
        *(*k_cache.stride(), *v_cache.stride(), block_tables.stride(0), num_splits, 1 / math.sqrt(D)),
        **sizes, PAGE=page, T=block_k,
    )  # fmt: skip
    merge[(batch * kv_heads,)](part, lse, out, num_splits, **sizes)
    return out
