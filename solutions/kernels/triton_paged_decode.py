"""Attention of one new token over a paged cache, each sequence split over several programs, in two Triton kernels.

Sources: Kwon et al. 2023 (arXiv:2309.06180), section 4.1, for the pages; Dao, Haziza, Massa, Sizov 2023
(https://crfm.stanford.edu/2023/10/12/flashdecoding.html) for splitting the keys and merging by log-sum-exp.
Dimensions: B batch, H query heads, G key/value heads, D head size, N splits; W is the power of two that holds D.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def split_kernel(
    q_ptr, k_ptr, v_ptr, table_ptr, lens_ptr, part_ptr, lse_ptr,
    q_batch, q_head, q_col, k_page, k_slot, k_head, k_col, v_page, v_slot, v_head, v_col, max_blocks, scale,
    GROUP: tl.constexpr, ROWS: tl.constexpr, D: tl.constexpr, W: tl.constexpr,
    PAGE: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Attend with all query heads of key head `program_id(0)` to split `program_id(1)` of sequence `program_id(2)`.

    Args:
        q_ptr: (B, H, D); k_ptr, v_ptr: (blocks, PAGE, G, D); with the strides that follow.
        table_ptr: (B, max_blocks), int32; lens_ptr: (B,), int32; both contiguous.
        part_ptr: (B, H, N, D), float32: the output of each split by itself, zeros for an empty one.
        lse_ptr: (B, H, N), float32: the log-sum-exp of its scores, -inf for an empty one.
        GROUP: H // G. ROWS: a power of two that holds it, at least 16, as tl.dot asks.
    """
    head, split = tl.program_id(0), tl.program_id(1)
    splits = tl.num_programs(1)
    batch = tl.program_id(2).to(tl.int64)
    dims = tl.arange(0, W)
    rows = tl.arange(0, ROWS)
    heads = head * GROUP + rows
    asked = (rows < GROUP)[:, None] & (dims < D)[None, :]
    q = tl.load(q_ptr + batch * q_batch + heads[:, None] * q_head + dims[None, :] * q_col, mask=asked, other=0.0)
    # region blank: the tokens of this split: whole tiles, perhaps none
    length = tl.load(lens_ptr + batch)
    share = tl.cdiv(length, splits * BLOCK_K) * BLOCK_K
    first = split * share
    stop = tl.minimum(first + share, length)
    # endregion
    peak = tl.full((ROWS,), -float("inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    acc = tl.zeros((ROWS, W), tl.float32)
    for start in range(first, stop, BLOCK_K):
        # region blank: load a tile of keys and values through the block table
        tokens = start + tl.arange(0, BLOCK_K)
        there = tokens < stop
        page = tl.load(table_ptr + batch * max_blocks + tokens // PAGE, mask=there).to(tl.int64)
        slot = tokens % PAGE
        live = there[:, None] & (dims < D)[None, :]
        k_at = page * k_page + slot * k_slot + head * k_head
        v_at = page * v_page + slot * v_slot + head * v_head
        k = tl.load(k_ptr + k_at[:, None] + dims[None, :] * k_col, mask=live, other=0.0)  # (BLOCK_K, W)
        v = tl.load(v_ptr + v_at[:, None] + dims[None, :] * v_col, mask=live, other=0.0)
        # endregion
        # region blank: score it for all heads of the group, fold it into peak, total and acc
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale  # (ROWS, BLOCK_K)
        scores = tl.where(there[None, :], scores, -float("inf"))
        raised = tl.maximum(peak, tl.max(scores, 1))  # finite: the first token of a tile is there
        weights = tl.exp(scores - raised[:, None])
        shrink = tl.exp(peak - raised)
        total = total * shrink + tl.sum(weights, 1)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        peak = raised
        # endregion
    # region blank: store the split's own output and its log-sum-exp
    at = (batch * tl.num_programs(0) * GROUP + heads) * splits + split
    acc = acc / tl.maximum(total, 1.0)[:, None]  # the largest weight is 1: total is less for an empty split alone
    tl.store(part_ptr + at[:, None] * D + dims[None, :], acc, mask=asked)
    tl.store(lse_ptr + at, peak + tl.log(total), mask=rows < GROUP)
    # endregion


@triton.jit
def merge_kernel(
    part_ptr, lse_ptr, out_ptr, splits, D: tl.constexpr, W: tl.constexpr, SPLITS: tl.constexpr
):  # fmt: skip
    """Merge the splits of head `program_id(0)` of all B · H; SPLITS is a power of two, not below `splits`."""
    head = tl.program_id(0).to(tl.int64)
    split = tl.arange(0, SPLITS)
    dims = tl.arange(0, W)
    at = head * splits + split
    # region blank: weigh each split by exp(lse), relative to the largest
    lse = tl.load(lse_ptr + at, mask=split < splits, other=-float("inf"))
    peak = tl.max(lse, 0)
    weights = tl.exp(lse - tl.where(peak == -float("inf"), 0.0, peak))  # a sequence without tokens: all are -inf
    live = (split < splits)[:, None] & (dims < D)[None, :]
    part = tl.load(part_ptr + at[:, None] * D + dims[None, :], mask=live, other=0.0)
    out = tl.sum(part * weights[:, None], 0) / tl.maximum(tl.sum(weights, 0), 1.0)
    tl.store(out_ptr + head * D + dims, out, mask=dims < D)
    # endregion


def paged_decode(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_tables: Tensor, context_lens: Tensor, num_splits: int,
    block_k: int = 64,
) -> Tensor:  # fmt: skip
    """Return attention of one query token a sequence over the keys and values that its block table names.

    Args:
        q: (B, H, D), D at most 128; any strides.
        k_cache, v_cache: (blocks, block_size, G, D), G a divisor of H, the dtype of q; any strides.
        block_tables: (B, max_blocks), int32; token t lies in block block_tables[b, t // block_size].
        context_lens: (B,), int32, the tokens of each sequence; may be 0.
        num_splits: over how many programs the keys of a sequence are split.
        block_k: keys of a tile, a power of two, at least 16.
    Returns:
        (B, H, D) in the dtype of q; zeros for a sequence without tokens.
    """
    # region blank: allocate; launch a program for each key head, split and sequence; merge
    B, H, D = q.shape
    PAGE, G = k_cache.shape[1:3]
    W = max(16, triton.next_power_of_2(D))
    part = q.new_empty((B, H, num_splits, D), dtype=torch.float32)
    lse = q.new_empty((B, H, num_splits), dtype=torch.float32)
    out = q.new_empty(B, H, D)
    split_kernel[(G, num_splits, B)](
        q, k_cache, v_cache, block_tables, context_lens, part, lse,
        *q.stride(), *k_cache.stride(), *v_cache.stride(), block_tables.shape[1], 1 / math.sqrt(D),
        GROUP=H // G, ROWS=max(16, triton.next_power_of_2(H // G)), D=D, W=W, PAGE=PAGE, BLOCK_K=block_k,
        num_warps=4, num_stages=3 if q.element_size() == 2 else 1,
    )  # fmt: skip
    merge_kernel[(B * H,)](part, lse, out, num_splits, D=D, W=W, SPLITS=triton.next_power_of_2(num_splits))
    return out
    # endregion
