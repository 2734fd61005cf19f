"""FlashAttention in tiles of 16 queries and 16 keys that go through all keys: right, and reads the keys 256 times over."""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def attention_kernel(
    q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr,
    q_batch, q_head, q_row, q_col, k_batch, k_head, k_row, k_col, v_batch, v_head, v_row, v_col,
    heads, group, q_len, kv_len, scale,
    D: tl.constexpr, W: tl.constexpr, CAUSAL: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    batch = (tl.program_id(1) // heads).to(tl.int64)
    head = (tl.program_id(1) % heads).to(tl.int64)
    rows = (tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)).to(tl.int64)
    dims = tl.arange(0, W)
    stored = (dims < D)[None, :] & (rows < q_len)[:, None]
    q_ptr += batch * q_batch + head * q_head
    k_ptr += batch * k_batch + head // group * k_head
    v_ptr += batch * v_batch + head // group * v_head
    q = tl.load(q_ptr + rows[:, None] * q_row + dims[None, :] * q_col, mask=stored, other=0.0)
    last = tl.zeros((BLOCK_Q,), tl.int64) + (kv_len - 1)
    if CAUSAL:
        last = kv_len - q_len + rows
    peak = tl.full((BLOCK_Q,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK_Q,), tl.float32)
    acc = tl.zeros((BLOCK_Q, W), tl.float32)
    for start in range(0, kv_len, BLOCK_K):
        keys = (start + tl.arange(0, BLOCK_K)).to(tl.int64)
        present = (dims < D)[None, :] & (keys < kv_len)[:, None]
        k = tl.load(k_ptr + keys[:, None] * k_row + dims[None, :] * k_col, mask=present, other=0.0)
        v = tl.load(v_ptr + keys[:, None] * v_row + dims[None, :] * v_col, mask=present, other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        seen = (keys < kv_len)[None, :] & (keys[None, :] <= last[:, None])
        scores = tl.where(seen, scores, -float("inf"))
        raised = tl.maximum(peak, tl.max(scores, 1))
        shift = tl.where(raised == -float("inf"), 0.0, raised)
        weights = tl.exp2(scores - shift[:, None])
        shrink = tl.exp2(peak - shift)
        total = total * shrink + tl.sum(weights, 1)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        peak = raised
    acc = acc / tl.where(total == 0.0, 1.0, total)[:, None]
    at = tl.program_id(1).to(tl.int64) * q_len + rows
    tl.store(out_ptr + at[:, None] * D + dims[None, :], acc, mask=stored)
    tl.store(lse_ptr + at, (peak + tl.log2(total)) * 0.6931471805599453, mask=rows < q_len)


def flash_attention(
    q: Tensor, k: Tensor, v: Tensor, is_causal: bool = False, block_q: int = 128, block_k: int = 64
) -> tuple[Tensor, Tensor]:
    """Return attention and the logarithm of its normalisers."""
    B, H, T, D = q.shape
    G, S = k.shape[1:3]
    out = torch.empty((B, H, T, D), dtype=q.dtype, device=q.device)
    lse = torch.empty((B, H, T), dtype=torch.float32, device=q.device)
    attention_kernel[(triton.cdiv(T, 16), B * H)](
        q, k, v, out, lse, *q.stride(), *k.stride(), *v.stride(), H, H // G, T, S, math.log2(math.e) / math.sqrt(D),
        D=D, W=max(16, triton.next_power_of_2(D)), CAUSAL=is_causal, BLOCK_Q=16, BLOCK_K=16, num_warps=8, num_stages=1,
    )  # fmt: skip
    return out, lse
