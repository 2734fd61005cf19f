"""Three kernels: scores to memory, softmax in place, product with the values."""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def product_kernel(
    a_ptr, b_ptr, c_ptr, rows, cols, inner, a_group, a_row, a_col, b_row, b_col, group, offset, scale,
    CAUSAL: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(2)
    a_ptr += head * rows * inner
    b_ptr += head // group * cols * inner
    c_ptr += head * rows * cols
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, inner, 16):
        c = start + tl.arange(0, 16)
        a = tl.load(
            a_ptr + i[:, None] * a_row + c[None, :] * a_col, mask=(i[:, None] < rows) & (c[None, :] < inner), other=0.0
        )
        b = tl.load(
            b_ptr + c[:, None] * b_row + j[None, :] * b_col, mask=(c[:, None] < inner) & (j[None, :] < cols), other=0.0
        )
        acc += tl.dot(a.to(tl.float32), b.to(tl.float32), input_precision="ieee")
    acc *= scale
    if CAUSAL:
        acc = tl.where(j[None, :] <= i[:, None] + offset, acc, -float("inf"))
    tl.store(c_ptr + i[:, None] * cols + j[None, :], acc, mask=(i[:, None] < rows) & (j[None, :] < cols))


@triton.jit
def softmax_kernel(s_ptr, lse_ptr, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    peak = -float("inf")
    total = 0.0
    for start in range(0, cols, BLOCK):
        j = start + tl.arange(0, BLOCK)
        s = tl.load(s_ptr + row * cols + j, mask=j < cols, other=-float("inf"))
        raised = tl.maximum(peak, tl.max(s, 0))
        shift = tl.where(raised == -float("inf"), 0.0, raised)
        total = total * tl.exp(peak - shift) + tl.sum(tl.exp(s - shift), 0)
        peak = raised
    for start in range(0, cols, BLOCK):
        j = start + tl.arange(0, BLOCK)
        s = tl.load(s_ptr + row * cols + j, mask=j < cols, other=-float("inf"))
        tl.store(s_ptr + row * cols + j, tl.where(total > 0, tl.exp(s - peak) / total, 0.0), mask=j < cols)
    tl.store(lse_ptr + row, peak + tl.log(total))


def flash_attention(q, k, v, is_causal=False, block_q=128, block_k=64):
    B, H, T, D = q.shape
    G, S = k.shape[1:3]
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    scores = torch.empty((B, H, T, S), dtype=torch.float32, device=q.device)
    lse = torch.empty((B, H, T), dtype=torch.float32, device=q.device)
    out = torch.empty_like(q)
    tiles = triton.cdiv(T, block_q)
    product_kernel[(tiles, triton.cdiv(S, block_k), B * H)](
        q, k, scores, T, S, D, 0, D, 1, 1, D, H // G, S - T, 1 / math.sqrt(D), is_causal, block_q, block_k
    )
    softmax_kernel[(B * H * T,)](scores, lse, S, 256)
    product_kernel[(tiles, triton.cdiv(D, 16), B * H)](
        scores, v, out, T, D, S, 0, S, 1, D, 1, H // G, 0, 1.0, False, block_q, 16
    )
    return out, lse
