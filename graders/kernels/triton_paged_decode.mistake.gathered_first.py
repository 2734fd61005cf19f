"""A first kernel copies each sequence's blocks next to each other, the others know no table."""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def gather_kernel(
    k_ptr, v_ptr, k_out, v_out, table_ptr, lens_ptr, k_page, k_slot, k_head, k_col, v_page, v_slot, v_head, v_col, G,
    D: tl.constexpr, W: tl.constexpr, PAGE: tl.constexpr,
):  # fmt: skip
    number = tl.program_id(0)
    at = tl.program_id(1).to(tl.int64) * tl.num_programs(0) + number
    dims = tl.arange(0, W)
    length = tl.load(lens_ptr + tl.program_id(1))
    if number * PAGE < length:
        page = tl.load(table_ptr + at).to(tl.int64)
        for slot in range(0, tl.minimum(PAGE, length - number * PAGE)):
            for g in range(0, G):
                to = ((at * PAGE + slot) * G + g) * D + dims
                k = tl.load(k_ptr + page * k_page + slot * k_slot + g * k_head + dims * k_col, mask=dims < D)
                v = tl.load(v_ptr + page * v_page + slot * v_slot + g * v_head + dims * v_col, mask=dims < D)
                tl.store(k_out + to, k, mask=dims < D)
                tl.store(v_out + to, v, mask=dims < D)


@triton.jit
def split_kernel(
    q_ptr, k_ptr, v_ptr, table_ptr, lens_ptr, part_ptr, lse_ptr,
    q_batch, q_head, q_col, k_page, k_slot, k_head, k_col, v_page, v_slot, v_head, v_col, max_blocks, scale,
    GROUP: tl.constexpr, ROWS: tl.constexpr, D: tl.constexpr, W: tl.constexpr,
    PAGE: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    head, split = tl.program_id(0), tl.program_id(1)
    splits = tl.num_programs(1)
    batch = tl.program_id(2).to(tl.int64)
    dims = tl.arange(0, W)
    rows = tl.arange(0, ROWS)
    heads = head * GROUP + rows
    asked = (rows < GROUP)[:, None] & (dims < D)[None, :]
    q = tl.load(q_ptr + batch * q_batch + heads[:, None] * q_head + dims[None, :] * q_col, mask=asked, other=0.0)
    length = tl.load(lens_ptr + batch)
    share = tl.cdiv(length, splits * BLOCK_K) * BLOCK_K
    first = split * share
    stop = tl.minimum(first + share, length)
    peak = tl.full((ROWS,), -float("inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    acc = tl.zeros((ROWS, W), tl.float32)
    for start in range(first, stop, BLOCK_K):
        tokens = start + tl.arange(0, BLOCK_K)
        there = tokens < stop
        page = batch * max_blocks + tokens // PAGE
        slot = tokens % PAGE
        live = there[:, None] & (dims < D)[None, :]
        k_at = page * k_page + slot * k_slot + head * k_head
        v_at = page * v_page + slot * v_slot + head * v_head
        k = tl.load(k_ptr + k_at[:, None] + dims[None, :] * k_col, mask=live, other=0.0)
        v = tl.load(v_ptr + v_at[:, None] + dims[None, :] * v_col, mask=live, other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(there[None, :], scores, -float("inf"))
        raised = tl.maximum(peak, tl.max(scores, 1))
        weights = tl.exp(scores - raised[:, None])
        shrink = tl.exp(peak - raised)
        total = total * shrink + tl.sum(weights, 1)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        peak = raised
    at = (batch * tl.num_programs(0) * GROUP + heads) * splits + split
    acc = acc / tl.maximum(total, 1.0)[:, None]
    tl.store(part_ptr + at[:, None] * D + dims[None, :], acc, mask=asked)
    tl.store(lse_ptr + at, peak + tl.log(total), mask=rows < GROUP)


@triton.jit
def merge_kernel(
    part_ptr, lse_ptr, out_ptr, splits, D: tl.constexpr, W: tl.constexpr, SPLITS: tl.constexpr
):  # fmt: skip
    head = tl.program_id(0).to(tl.int64)
    split = tl.arange(0, SPLITS)
    dims = tl.arange(0, W)
    at = head * splits + split
    lse = tl.load(lse_ptr + at, mask=split < splits, other=-float("inf"))
    peak = tl.max(lse, 0)
    weights = tl.exp(lse - tl.where(peak == -float("inf"), 0.0, peak))
    live = (split < splits)[:, None] & (dims < D)[None, :]
    part = tl.load(part_ptr + at[:, None] * D + dims[None, :], mask=live, other=0.0)
    out = tl.sum(part * weights[:, None], 0) / tl.maximum(tl.sum(weights, 0), 1.0)
    tl.store(out_ptr + head * D + dims, out, mask=dims < D)


def paged_decode(q, k_cache, v_cache, block_tables, context_lens, num_splits, block_k=64):
    B, H, D = q.shape
    PAGE, G = k_cache.shape[1:3]
    W = max(16, triton.next_power_of_2(D))
    part = q.new_empty((B, H, num_splits, D), dtype=torch.float32)
    lse = q.new_empty((B, H, num_splits), dtype=torch.float32)
    out = q.new_empty(B, H, D)
    size = (block_tables.numel(), PAGE, G, D)
    keys, values = (torch.empty(size, dtype=q.dtype, device=q.device) for _ in range(2))
    gather_kernel[(block_tables.shape[1], B)](
        *(k_cache, v_cache, keys, values, block_tables, context_lens, *k_cache.stride(), *v_cache.stride(), G),
        D=D, W=W, PAGE=PAGE,
    )  # fmt: skip
    k_cache, v_cache = keys, values
    split_kernel[(G, num_splits, B)](
        q, k_cache, v_cache, block_tables, context_lens, part, lse,
        *q.stride(), *k_cache.stride(), *v_cache.stride(), block_tables.shape[1], 1 / math.sqrt(D),
        GROUP=H // G, ROWS=max(16, triton.next_power_of_2(H // G)), D=D, W=W, PAGE=PAGE, BLOCK_K=block_k,
        num_warps=4, num_stages=3 if q.element_size() == 2 else 1,
    )  # fmt: skip
    merge_kernel[(B * H,)](part, lse, out, num_splits, D=D, W=W, SPLITS=triton.next_power_of_2(num_splits))
    return out
