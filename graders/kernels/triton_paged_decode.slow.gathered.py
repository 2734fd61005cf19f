"""Paged decode that first gathers the pages into float32: right, and 10 bytes are moved where 2 suffice, without splits."""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def gather_kernel(
    cache_ptr, table_ptr, lens_ptr, flat_ptr, page_stride, slot_stride, head_stride, col_stride, max_blocks, kv_heads,
    D: tl.constexpr, W: tl.constexpr, PAGE: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Copy BLOCK_K tokens of one head to a place of (B, G, max_blocks * PAGE, D)."""
    head, batch = tl.program_id(1), tl.program_id(2).to(tl.int64)
    tokens = tl.program_id(0) * BLOCK_K + tl.arange(0, BLOCK_K)
    dims = tl.arange(0, W)
    there = tokens < tl.load(lens_ptr + batch)
    live = there[:, None] & (dims < D)[None, :]
    page = tl.load(table_ptr + batch * max_blocks + tokens // PAGE, mask=there, other=0).to(tl.int64)
    at = page * page_stride + tokens % PAGE * slot_stride + head * head_stride
    kept = tl.load(cache_ptr + at[:, None] + dims[None, :] * col_stride, mask=live, other=0.0)
    to = (batch * kv_heads + head) * max_blocks * PAGE + tokens
    tl.store(flat_ptr + to[:, None] * D + dims[None, :], kept.to(tl.float32), mask=live)


@triton.jit
def attend_kernel(
    q_ptr, k_ptr, v_ptr, lens_ptr, out_ptr, q_batch, q_head, q_col, capacity, scale,
    GROUP: tl.constexpr, ROWS: tl.constexpr, D: tl.constexpr, W: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0)
    batch = tl.program_id(1).to(tl.int64)
    pair = batch * tl.num_programs(0) + head
    dims = tl.arange(0, W)
    rows = tl.arange(0, ROWS)
    asked = (rows < GROUP)[:, None] & (dims < D)[None, :]
    heads = head * GROUP + rows
    q = tl.load(q_ptr + batch * q_batch + heads[:, None] * q_head + dims[None, :] * q_col, mask=asked, other=0.0)
    length = tl.load(lens_ptr + batch)
    peak = tl.full((ROWS,), -float("inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    acc = tl.zeros((ROWS, W), tl.float32)
    for start in range(0, length, BLOCK_K):
        tokens = start + tl.arange(0, BLOCK_K)
        there = tokens < length
        live = there[:, None] & (dims < D)[None, :]
        at = (pair * capacity + tokens)[:, None] * D + dims[None, :]
        k = tl.load(k_ptr + at, mask=live, other=0.0).to(q.dtype)
        v = tl.load(v_ptr + at, mask=live, other=0.0).to(q.dtype)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(there[None, :], scores, -float("inf"))
        raised = tl.maximum(peak, tl.max(scores, 1))
        weights = tl.exp(scores - raised[:, None])
        shrink = tl.exp(peak - raised)
        total = total * shrink + tl.sum(weights, 1)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        peak = raised
    to = (pair * GROUP + rows)[:, None] * D + dims[None, :]
    tl.store(out_ptr + to, acc / tl.maximum(total, 1.0)[:, None], mask=asked)


def paged_decode(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_tables: Tensor, context_lens: Tensor, num_splits: int,
    block_k: int = 64,
) -> Tensor:  # fmt: skip
    """Return attention of one query token a sequence over the keys and values that its block table names."""
    B, H, D = q.shape
    PAGE, G = k_cache.shape[1:3]
    W, max_blocks = max(16, triton.next_power_of_2(D)), block_tables.shape[1]
    k, v = (q.new_empty((B, G, max_blocks * PAGE, D), dtype=torch.float32) for _ in range(2))
    for cache, flat in ((k_cache, k), (v_cache, v)):
        gather_kernel[(triton.cdiv(max_blocks * PAGE, block_k), G, B)](
            cache, block_tables, context_lens, flat, *cache.stride(), max_blocks, G,
            D=D, W=W, PAGE=PAGE, BLOCK_K=block_k,
        )  # fmt: skip
    out = q.new_empty(B, H, D)
    attend_kernel[(G, B)](
        q, k, v, context_lens, out, *q.stride(), max_blocks * PAGE, 1 / math.sqrt(D),
        GROUP=H // G, ROWS=max(16, triton.next_power_of_2(H // G)), D=D, W=W, BLOCK_K=block_k, num_stages=1,
    )  # fmt: skip
    return out
