"""One launch: splits of whole blocks, walked block by block; the program that ends last merges its key head's splits."""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def decode(
    q, k, v, tables, lens, part, lse, done, out, q0, q1, q2, k0, k1, k2, k3, v0, v1, v2, v3, most, scale,
    GROUP: tl.constexpr, R: tl.constexpr, D: tl.constexpr, W: tl.constexpr, PAGE: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    split = tl.program_id(0)
    g = tl.program_id(1)
    b = tl.program_id(2).to(tl.int64)
    splits = tl.num_programs(0)
    r = tl.arange(0, R)
    d = tl.arange(0, W)
    mine = (r < GROUP)[:, None] & (d < D)[None, :]
    asked = tl.load(q + b * q0 + (g * GROUP + r)[:, None] * q1 + d[None, :] * q2, mask=mine, other=0.0)
    length = tl.load(lens + b)
    blocks = tl.cdiv(length, PAGE)
    share = tl.cdiv(blocks, splits)
    peak = tl.full((R,), -float("inf"), tl.float32)
    total = tl.zeros((R,), tl.float32)
    acc = tl.zeros((R, W), tl.float32)
    for number in range(split * share, tl.minimum(split * share + share, blocks)):
        block = tl.load(tables + b * most + number).to(tl.int64)
        for first in range(0, PAGE, T):
            slot = first + tl.arange(0, T)
            there = (slot < PAGE) & (number * PAGE + slot < length)
            live = there[:, None] & (d < D)[None, :]
            key = tl.load(k + block * k0 + g * k2 + slot[:, None] * k1 + d[None, :] * k3, mask=live, other=0.0)
            value = tl.load(v + block * v0 + g * v2 + slot[:, None] * v1 + d[None, :] * v3, mask=live, other=0.0)
            score = tl.dot(asked, tl.trans(key), input_precision="ieee") * scale
            score = tl.where(there[None, :], score, -float("inf"))
            new = tl.maximum(peak, tl.max(score, 1))  # finite: the first slot of a block that is needed is there
            weight = tl.exp(score - new[:, None])
            total = total * tl.exp(peak - new) + tl.sum(weight, 1)
            acc = tl.dot(weight.to(value.dtype), value, acc * tl.exp(peak - new)[:, None], input_precision="ieee")
            peak = new
    row = (b * tl.num_programs(1) + g) * GROUP + r
    at = row * splits + split
    tl.store(part + at[:, None] * D + d[None, :], acc / tl.where(total > 0.0, total, 1.0)[:, None], mask=mine)
    tl.store(lse + at, tl.where(total > 0.0, peak + tl.log(total), -float("inf")), mask=r < GROUP)
    tl.debug_barrier()
    before = tl.atomic_add(done + b * tl.num_programs(1) + g, 1)
    if before == splits - 1:
        peak = tl.full((R,), -float("inf"), tl.float32)
        for n in range(0, splits):
            peak = tl.maximum(peak, tl.load(lse + row * splits + n, mask=r < GROUP, other=-float("inf")))
        total = tl.zeros((R,), tl.float32)
        acc = tl.zeros((R, W), tl.float32)
        for n in range(0, splits):
            weight = tl.load(lse + row * splits + n, mask=r < GROUP, other=-float("inf"))
            weight = tl.where(weight == -float("inf"), 0.0, tl.exp(weight - peak))
            other = tl.load(part + (row * splits + n)[:, None] * D + d[None, :], mask=mine, other=0.0)
            acc += other * weight[:, None]
            total += weight
        tl.store(out + row[:, None] * D + d[None, :], acc / tl.where(total > 0.0, total, 1.0)[:, None], mask=mine)


def paged_decode(q, k_cache, v_cache, block_tables, context_lens, num_splits, block_k=64):
    batch, heads, D = q.shape
    page, kv_heads = k_cache.shape[1:3]
    part = torch.empty(batch, heads, num_splits, D, dtype=torch.float32, device=q.device)
    lse = torch.empty(batch, heads, num_splits, dtype=torch.float32, device=q.device)
    done = torch.zeros(batch, kv_heads, dtype=torch.int32, device=q.device)
    out = torch.empty(batch, heads, D, dtype=q.dtype, device=q.device)
    group = heads // kv_heads
    decode[(num_splits, kv_heads, batch)](
        *(q, k_cache, v_cache, block_tables, context_lens, part, lse, done, out),
        *(*q.stride(), *k_cache.stride(), *v_cache.stride(), block_tables.stride(0), 1 / math.sqrt(D)),
        GROUP=group, R=max(16, triton.next_power_of_2(group)), D=D, W=max(16, triton.next_power_of_2(D)),
        PAGE=page, T=block_k,
    )  # fmt: skip
    return out
