"""Tiles of four rows by a quarter of the block, float32 made by torch before and after."""

import torch
import triton
import triton.language as tl


@triton.jit
def tile(x, b, y, N, D, ROWS: tl.constexpr, COLS: tl.constexpr):
    r = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    c = tl.program_id(1) * COLS + tl.arange(0, COLS)
    keep = (r < N)[:, None] & (c < D)[None, :]
    at = r[:, None] * D + c[None, :]
    z = tl.load(x + at, mask=keep, other=0.0) + tl.load(b + c, mask=c < D, other=0.0)[None, :]
    inner = 0.7978845608 * (z + 0.044715 * z * z * z)
    tanh = 1.0 - 2.0 / (tl.exp(2.0 * inner) + 1.0)
    tl.store(y + at, 0.5 * z * (1.0 + tanh), mask=keep)


def bias_gelu(x, bias, block=1024):
    wide = x.to(torch.float32).contiguous()
    out = torch.empty_like(wide)
    n, d = wide.shape
    grid = (triton.cdiv(n, 4), triton.cdiv(d, block // 4))
    tile[grid](wide, bias.float().contiguous(), out, n, d, ROWS=4, COLS=block // 4)
    return out.to(x.dtype)
