"""RoPE as two products and a sum with float32 in memory between: right, and 22 bytes are moved where 4 suffice."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def term_kernel(
    x_ptr, table_ptr, out_ptr, seq_len, dim, heads, batch_stride, head_stride, token_stride, dim_stride,
    table_token_stride, table_dim_stride, sign, SHIFTED: tl.constexpr, HEADS: tl.constexpr, DIM: tl.constexpr,
):  # fmt: skip
    """Write the heads of one token, shifted by half of them if SHIFTED, times one row of a table."""
    program = tl.program_id(0).to(tl.int64)
    batch, token = program // seq_len, program % seq_len
    head = tl.arange(0, HEADS)[:, None].to(tl.int64)
    col = tl.arange(0, DIM)
    inside = (head < heads) & (col < dim)[None, :]
    factor = tl.load(table_ptr + token * table_token_stride + col * table_dim_stride, mask=col < dim).to(tl.float32)
    place = col
    if SHIFTED:
        place = (col + dim // 2) % dim
        factor = tl.where(col < dim // 2, -sign * factor, sign * factor)
    x_ptr += batch * batch_stride + token * token_stride
    x = tl.load(x_ptr + head * head_stride + place[None, :] * dim_stride, mask=inside).to(tl.float32)
    tl.store(out_ptr + (program * heads + head) * dim + col[None, :], x * factor[None, :], mask=inside)


@triton.jit
def sum_kernel(
    a_ptr, b_ptr, x_ptr, seq_len, dim, heads, batch_stride, head_stride, token_stride, dim_stride,
    HEADS: tl.constexpr, DIM: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    batch, token = program // seq_len, program % seq_len
    head = tl.arange(0, HEADS)[:, None].to(tl.int64)
    col = tl.arange(0, DIM)[None, :]
    inside = (head < heads) & (col < dim)
    here = (program * heads + head) * dim + col
    x_ptr += batch * batch_stride + token * token_stride
    total = tl.load(a_ptr + here, mask=inside) + tl.load(b_ptr + here, mask=inside)
    tl.store(x_ptr + head * head_stride + col * dim_stride, total, mask=inside)


def rope_(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, backward: bool = False) -> None:
    """Turn q and k in place by the angles of their positions; with `backward`, gradients of the turned q and k back."""
    sign = -1.0 if backward else 1.0
    for x in (q, k):
        batch, heads, seq_len, dim = x.shape
        a, b = (torch.empty((batch, seq_len, heads, dim), dtype=torch.float32, device=x.device) for _ in range(2))
        grid, shape = (batch * seq_len,), (seq_len, dim, heads, *x.stride())
        sides = {"HEADS": triton.next_power_of_2(heads), "DIM": triton.next_power_of_2(dim)}
        term_kernel[grid](x, cos, a, *shape, *cos.stride(), 1.0, SHIFTED=False, **sides)
        term_kernel[grid](x, sin, b, *shape, *sin.stride(), sign, SHIFTED=True, **sides)
        sum_kernel[grid](a, b, x, *shape, **sides)
