"""A first kernel, one program an expert, writes whose each row tile is; the second reads its line of that table."""

import torch
import triton
import triton.language as tl


@triton.jit
def map_kernel(offsets, expert_of, row_of, TILE: tl.constexpr):
    expert = tl.program_id(0)
    place = tl.zeros((), tl.int64)
    for earlier in range(0, expert):
        tokens = tl.load(offsets + earlier + 1) - tl.load(offsets + earlier)
        place += tl.cdiv(tokens, TILE)
    first, last = tl.load(offsets + expert), tl.load(offsets + expert + 1)
    for number in range(0, tl.cdiv(last - first, TILE)):
        tl.store(expert_of + place + number, expert)
        tl.store(row_of + place + number, first + number * TILE)


@triton.jit
def product_kernel(
    x, w, offsets, expert_of, row_of, out, n, k, total, TM: tl.constexpr, TN: tl.constexpr, TK: tl.constexpr
):
    expert = tl.load(expert_of + tl.program_id(0)).to(tl.int64)
    if expert >= 0:
        rows = tl.load(row_of + tl.program_id(0)) + tl.arange(0, TM)
        columns = tl.program_id(1) * TN + tl.arange(0, TN)
        acc = tl.zeros((TM, TN), tl.float32)
        for step in range(0, tl.cdiv(k, TK)):
            at = step * TK + tl.arange(0, TK)
            left = tl.load(  # rows of the next group are read, too, and dropped
                x + (rows % total)[:, None] * k + at[None, :], mask=at[None, :] < k, other=0.0
            )
            right = tl.load(
                w + expert * n * k + (columns % n)[:, None] * k + at[None, :], mask=at[None, :] < k, other=0.0
            )
            acc += tl.dot(left, tl.trans(right), input_precision="ieee")
        mine = rows < tl.load(offsets + expert + 1)
        tl.store(out + rows[:, None] * n + columns[None, :], acc, mask=mine[:, None] & (columns < n)[None, :])


def grouped_gemm(x, w, offsets, block_m=128, block_n=128, block_k=64):
    x, w = x.contiguous(), w.contiguous()
    total, experts, n, k = x.shape[0], *w.shape
    most = triton.cdiv(total, block_m) + experts
    expert_of = torch.full((most,), -1, dtype=torch.int32, device=x.device)
    row_of = torch.zeros(most, dtype=torch.int64, device=x.device)
    out = x.new_empty(total, n)
    map_kernel[(experts,)](offsets, expert_of, row_of, TILE=block_m)
    product_kernel[(most, triton.cdiv(n, block_n))](
        x, w, offsets, expert_of, row_of, out, n, k, total, TM=block_m, TN=block_n, TK=block_k
    )
    return out
