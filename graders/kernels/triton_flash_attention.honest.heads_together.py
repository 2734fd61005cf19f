"""One program a tile of queries of all heads that share a key head: each tile of keys is read once for all of them."""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def grouped(
    q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr, kv_heads, group, q_len, kv_len, scale,
    D: tl.constexpr, W: tl.constexpr, CAUSAL: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    shared = tl.program_id(1)  # batch and key head
    first = tl.program_id(0) * ROWS
    flat = first + tl.arange(0, ROWS)  # query t of head g of the group is row t * group + g
    token, member = flat // group, flat % group
    row = (shared * group + member) * q_len + token
    real = token < q_len
    d = tl.arange(0, W)
    mask = real[:, None] & (d < D)[None, :]
    q = tl.load(q_ptr + row[:, None] * D + d[None, :], mask=mask, other=0.0).to(tl.float32) * scale
    best = tl.full((ROWS,), -float("inf"), tl.float32)
    mass = tl.zeros((ROWS,), tl.float32)
    acc = tl.zeros((ROWS, W), tl.float32)
    limit = kv_len
    if CAUSAL:
        limit = tl.minimum(kv_len, kv_len - q_len + (first + ROWS - 1) // group + 1)
    for start in range(0, limit, BLOCK):
        key = start + tl.arange(0, BLOCK)
        inside = (key < kv_len)[:, None] & (d < D)[None, :]
        at = (shared * kv_len + key)[:, None] * D + d[None, :]
        k = tl.load(k_ptr + at, mask=inside, other=0.0).to(tl.float32)
        v = tl.load(v_ptr + at, mask=inside, other=0.0).to(tl.float32)
        s = tl.dot(q, k.T, input_precision="ieee")
        s += tl.where(key < kv_len, 0.0, -float("inf"))[None, :]
        if CAUSAL:
            s += tl.where(key[None, :] > kv_len - q_len + token[:, None], -float("inf"), 0.0)
        new = tl.maximum(best, tl.max(s, 1))
        p = tl.where(s == -float("inf"), 0.0, tl.exp2(s - new[:, None]))
        keep = tl.where(best == -float("inf"), 0.0, tl.exp2(best - new))
        mass = mass * keep + tl.sum(p, 1)
        acc = acc * keep[:, None] + tl.dot(p, v, input_precision="ieee")
        best = new
    out = tl.where(mass[:, None] == 0, 0.0, acc / mass[:, None])
    tl.store(out_ptr + row[:, None] * D + d[None, :], out, mask=mask)
    tl.store(lse_ptr + row, (best + tl.log2(mass)) * math.log(2), mask=real)


def flash_attention(q, k, v, is_causal=False, block_q=128, block_k=64):
    batch, heads, q_len, D = q.shape
    kv_heads, kv_len = k.shape[1:3]
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    out, lse = torch.empty_like(q), torch.empty(batch, heads, q_len, dtype=torch.float32, device=q.device)
    group = heads // kv_heads
    grid = (triton.cdiv(q_len * group, block_q), batch * kv_heads)
    grouped[grid](
        q, k, v, out, lse, kv_heads, group, q_len, kv_len, math.log2(math.e) / math.sqrt(D),
        D, max(16, triton.next_power_of_2(D)), is_causal, block_q, block_k,
    )  # fmt: skip
    return out, lse
