"""Scores stand upright, keys by queries, the maximum runs down axis 0, and keys are walked from last to first."""

import torch
import triton
import triton.language as tl


@triton.jit
def upright(
    Q, K, V, OUT, LSE, sq, sk, sv, HEADS, SHARE, NQ, NK, SCALE,
    DIM: tl.constexpr, CAUSAL: tl.constexpr, BQ: tl.constexpr, BK: tl.constexpr, BD: tl.constexpr,
):  # fmt: skip
    pid = tl.program_id(0)
    tiles = tl.cdiv(NQ, BQ)
    tile, bh = pid % tiles, pid // tiles
    b, h = bh // HEADS, bh % HEADS
    d = tl.arange(0, BD)
    rows = tile * BQ + tl.arange(0, BQ)
    ok = (d < DIM)[:, None] & (rows < NQ)[None, :]
    q = tl.load(Q + b * sq[0] + h * sq[1] + rows[None, :] * sq[2] + d[:, None] * sq[3], mask=ok, other=0.0)  # (BD, BQ)
    m = tl.full((1, BQ), -float("inf"), tl.float32)
    mass = tl.zeros((1, BQ), tl.float32)
    acc = tl.zeros((BD, BQ), tl.float32)
    reach = NK
    if CAUSAL:
        reach = tl.maximum(tl.minimum(NK, NK - NQ + (tile + 1) * BQ), 0)
    count = tl.cdiv(reach, BK)
    for step in range(count):
        cols = (count - 1 - step) * BK + tl.arange(0, BK)
        have = (cols < NK)[:, None] & (d < DIM)[None, :]
        k = tl.load(
            K + b * sk[0] + h // SHARE * sk[1] + cols[:, None] * sk[2] + d[None, :] * sk[3], mask=have, other=0.0
        )
        v = tl.load(
            V + b * sv[0] + h // SHARE * sv[1] + cols[:, None] * sv[2] + d[None, :] * sv[3], mask=have, other=0.0
        )
        s = tl.dot(k, q, input_precision="ieee") * SCALE  # (BK, BQ)
        see = (cols < NK)[:, None]
        if CAUSAL:
            see = see & (cols[:, None] + NQ - NK <= rows[None, :])
        s = tl.where(see, s, -float("inf"))
        m_new = tl.maximum(m, tl.max(s, 0, keep_dims=True))
        base = tl.where(m_new > -float("inf"), m_new, 0.0)
        p = tl.exp(s - base)
        old = tl.exp(m - base)
        mass = mass * old + tl.sum(p, 0, keep_dims=True)
        acc = acc * old + tl.dot(tl.trans(v), p.to(v.dtype), input_precision="ieee")
        m = m_new
    acc = tl.where(mass > 0, acc / mass, 0.0)
    tl.store(OUT + (bh * NQ + rows[None, :]) * DIM + d[:, None], acc.to(OUT.dtype.element_ty), mask=ok)
    tl.store(LSE + bh * NQ + rows[None, :], m + tl.log(mass), mask=(rows < NQ)[None, :])


def flash_attention(q, k, v, is_causal=False, block_q=128, block_k=64):
    b, h, nq, dim = q.shape
    out = q.new_empty(q.shape)
    lse = q.new_empty((b, h, nq), dtype=torch.float32)
    upright[(triton.cdiv(nq, block_q) * b * h,)](
        q, k, v, out, lse, q.stride(), k.stride(), v.stride(), h, h // k.shape[1], nq, k.shape[2], dim**-0.5,
        DIM=dim, CAUSAL=is_causal, BQ=block_q, BK=block_k, BD=max(16, triton.next_power_of_2(dim)),
    )  # fmt: skip
    return out, lse
