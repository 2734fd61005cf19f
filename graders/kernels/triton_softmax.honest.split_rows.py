"""One program a block: the first kernel writes the maximum and the sum of each block, the second merges and divides."""

import torch
import triton
import triton.language as tl


@triton.jit
def partial(x_ptr, m_ptr, s_ptr, d, blocks, BLOCK: tl.constexpr):
    row, part = tl.program_id(0), tl.program_id(1)
    cols = part * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * d + cols, mask=cols < d, other=-float("inf"))
    m = tl.max(x, 0)
    tl.store(m_ptr + row * blocks + part, m)
    tl.store(s_ptr + row * blocks + part, tl.sum(tl.where(x > -float("inf"), tl.exp(x - m), 0.0), 0))


@triton.jit
def finish(x_ptr, m_ptr, s_ptr, out_ptr, d, blocks, BLOCK: tl.constexpr):
    row, part = tl.program_id(0), tl.program_id(1)
    m = -float("inf")
    s = 0.0
    for start in range(0, blocks, BLOCK):
        at = start + tl.arange(0, BLOCK)
        ms = tl.load(m_ptr + row * blocks + at, mask=at < blocks, other=-float("inf"))
        ss = tl.load(s_ptr + row * blocks + at, mask=at < blocks, other=0.0)
        top = tl.maximum(m, tl.max(ms, 0))
        s = tl.where(s > 0, s * tl.exp(m - top), 0.0) + tl.sum(tl.where(ss > 0, ss * tl.exp(ms - top), 0.0), 0)
        m = top
    cols = part * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * d + cols, mask=cols < d, other=0.0)
    tl.store(out_ptr + row * d + cols, tl.exp(x - m) / s, mask=cols < d)


def softmax(x, block=1024):
    wide = x.to(torch.float32).contiguous()
    n, d = wide.shape
    blocks = triton.cdiv(d, block)
    m, s = torch.empty((2, n, blocks), device=x.device).unbind(0)
    out = torch.empty_like(wide)
    grid = (n, blocks)
    partial[grid](wide, m, s, d, blocks, BLOCK=block)
    finish[grid](wide, m, s, out, d, blocks, BLOCK=block)
    return out.to(x.dtype)
