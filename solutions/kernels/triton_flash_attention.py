"""FlashAttention-2 forward in Triton: one program a tile of queries, an online softmax over tiles of keys.

Source: Dao 2023 (arXiv:2307.08691), section 3.1, algorithm 1; causal tiles as in its paragraph on causal masking.
Dimensions: B batch, H query heads, G key/value heads, T queries, S keys, D head size, W the power of two that holds D.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def attend(
    peak, total, acc, q, k_tile, v_tile, k_step, v_step, first, stop, kv_len, last, inside, scale,
    MASKED: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Fold the keys first … stop − 1 into peak, total and acc of a tile of queries; return them and the next tiles.

    Args:
        peak: (BLOCK_Q,), the largest score so far, times log₂e.
        total: (BLOCK_Q,), the sum of weights relative to it.
        acc: (BLOCK_Q, W), the weighted sum of values relative to it.
        q: (BLOCK_Q, W), zero beyond D.
        k_tile, v_tile: (BLOCK_K, W) pointers to the tile that starts at key `first`.
        k_step, v_step: elements from one key to the next.
        kv_len: S; keys from it on do not exist.
        last: (BLOCK_Q,), the last key that each query may attend to.
        inside: (1, W), which columns are less than D.
        scale: log₂e / √D.
        MASKED: whether some query may not attend to some of these keys.
    """
    for start in range(first, stop, BLOCK_K):
        keys = start + tl.arange(0, BLOCK_K)
        # region blank: load a tile of keys and values; score it; mask what a query may not attend to
        present = inside
        if MASKED:
            present = inside & (keys < kv_len)[:, None]
        k = tl.load(k_tile, mask=present, other=0.0)  # (BLOCK_K, W)
        v = tl.load(v_tile, mask=present, other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale  # (BLOCK_Q, BLOCK_K)
        if MASKED:
            scores = tl.where(keys[None, :] <= last[:, None], scores, -float("inf"))
        # endregion
        # region blank: raise the maximum, rescale total and acc to it, add what the tile contributes
        raised = tl.maximum(peak, tl.max(scores, 1))
        shift = tl.where(raised == -float("inf"), 0.0, raised)  # no key yet: −inf − (−inf) would be NaN
        weights = tl.exp2(scores - shift[:, None])
        shrink = tl.exp2(peak - shift)
        total = total * shrink + tl.sum(weights, 1)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        peak = raised
        # endregion
        k_tile += BLOCK_K * k_step
        v_tile += BLOCK_K * v_step
    return peak, total, acc, k_tile, v_tile


@triton.jit
def attention_kernel(
    q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr,
    q_batch, q_head, q_row, q_col, k_batch, k_head, k_row, k_col, v_batch, v_head, v_row, v_col,
    heads, group, q_len, kv_len, scale,
    D: tl.constexpr, W: tl.constexpr, CAUSAL: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Attend with tile `num_programs(0) - 1 - program_id(0)` of the queries of one head, `program_id(1)` of all B · H.

    The tiles go from last to first, because with CAUSAL the last ones take longest.

    Args:
        q_ptr, k_ptr, v_ptr: (B, H, T, D), (B, G, S, D), (B, G, S, D), with the strides that follow.
        out_ptr: (B, H, T, D), contiguous.
        lse_ptr: (B, H, T), contiguous, float32.
        group: H // G.
        scale: log₂e / √D.
    """
    start = (tl.num_programs(0) - 1 - tl.program_id(0)) * BLOCK_Q
    batch = (tl.program_id(1) // heads).to(tl.int64)  # offsets of whole sequences may pass 2³¹
    head = (tl.program_id(1) % heads).to(tl.int64)
    rows = start + tl.arange(0, BLOCK_Q)
    dims = tl.arange(0, W)
    inside = (dims < D)[None, :]
    stored = inside & (rows < q_len)[:, None]
    # region blank: find this program's queries, its first tile of keys and of values; load the queries
    q_ptr += batch * q_batch + head * q_head
    k_ptr += batch * k_batch + head // group * k_head
    v_ptr += batch * v_batch + head // group * v_head
    keys = tl.arange(0, BLOCK_K)
    k_tile = k_ptr + keys[:, None] * k_row + dims[None, :] * k_col
    v_tile = v_ptr + keys[:, None] * v_row + dims[None, :] * v_col
    q = tl.load(q_ptr + rows.to(tl.int64)[:, None] * q_row + dims[None, :] * q_col, mask=stored, other=0.0)
    # endregion
    # region blank: where the keys end that this tile attends to, and up to where every query attends to every key
    last = tl.zeros((BLOCK_Q,), tl.int32) + (kv_len - 1)
    stop = kv_len
    whole = kv_len
    if CAUSAL:
        last = kv_len - q_len + rows
        stop = tl.minimum(kv_len, kv_len - q_len + start + BLOCK_Q)
        whole = tl.maximum(0, kv_len - q_len + start + 1)
    whole = whole // BLOCK_K * BLOCK_K
    # endregion
    # region blank: fold in the keys, only the last tiles with a mask; normalise and store
    peak = tl.full((BLOCK_Q,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK_Q,), tl.float32)
    acc = tl.zeros((BLOCK_Q, W), tl.float32)
    peak, total, acc, k_tile, v_tile = attend(
        peak, total, acc, q, k_tile, v_tile, k_row, v_row,
        0, whole, kv_len, last, inside, scale, False, BLOCK_K,
    )  # fmt: skip
    peak, total, acc, k_tile, v_tile = attend(
        peak, total, acc, q, k_tile, v_tile, k_row, v_row,
        whole, stop, kv_len, last, inside, scale, True, BLOCK_K,
    )  # fmt: skip
    acc = acc / tl.where(total == 0.0, 1.0, total)[:, None]
    at = tl.program_id(1).to(tl.int64) * q_len + rows
    tl.store(out_ptr + at[:, None] * D + dims[None, :], acc, mask=stored)
    tl.store(lse_ptr + at, (peak + tl.log2(total)) * 0.6931471805599453, mask=rows < q_len)
    # endregion


def flash_attention(
    q: Tensor, k: Tensor, v: Tensor, is_causal: bool = False, block_q: int = 128, block_k: int = 64
) -> tuple[Tensor, Tensor]:
    """Return attention and the logarithm of its normalisers, in one kernel.

    Args:
        q: (B, H, T, D), D at most 128; any strides.
        k, v: (B, G, S, D), G a divisor of H; query head h attends to key/value head h // (H / G).
        is_causal: forbid attention to later positions; the last query and the last key are one position.
        block_q, block_k: queries and keys of a tile, powers of two, at least 16.
    Returns:
        out: (B, H, T, D) in the dtype of q; zeros for a query without keys.
        lse: (B, H, T), float32, log Σ exp(score) of every query; -inf for a query without keys.
    """
    # region blank: allocate the outputs and launch a program for each tile of each head
    B, H, T, D = q.shape
    G, S = k.shape[1:3]
    out = torch.empty((B, H, T, D), dtype=q.dtype, device=q.device)
    lse = torch.empty((B, H, T), dtype=torch.float32, device=q.device)
    attention_kernel[(triton.cdiv(T, block_q), B * H)](
        q, k, v, out, lse, *q.stride(), *k.stride(), *v.stride(), H, H // G, T, S, math.log2(math.e) / math.sqrt(D),
        D=D, W=max(16, triton.next_power_of_2(D)), CAUSAL=is_causal, BLOCK_Q=block_q, BLOCK_K=block_k,
        num_warps=8 if block_q >= 128 else 4, num_stages=3 if q.element_size() == 2 else 1,
    )  # fmt: skip
    return out, lse
    # endregion
