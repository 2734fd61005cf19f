"""A row that fits is loaded once, with the next power of two as its block; a longer one goes through an online loop."""

import triton
import triton.language as tl


@triton.jit
def _short(out, x, s0, s1, n_cols, SIZE: tl.constexpr):
    pid = tl.program_id(axis=0)
    lane = tl.arange(0, SIZE)
    keep = lane < n_cols
    row = tl.load(x + pid * s0 + lane * s1, mask=keep, other=float("-inf")).to(tl.float32)
    row = tl.exp(row - tl.max(row, axis=0))
    tl.store(out + pid * n_cols + lane, row / tl.sum(row, axis=0), mask=keep)


@triton.jit
def _update(m, s, chunk):
    higher = tl.maximum(m, tl.max(chunk, axis=0))
    # both factors are 0 while nothing finite was seen, whatever the exponent says
    old = tl.where(m == float("-inf"), 0.0, tl.exp(m - higher))
    new = tl.where(chunk == float("-inf"), 0.0, tl.exp(chunk - higher))
    return higher, s * old + tl.sum(new, axis=0)


@triton.jit
def _long(out, x, s0, s1, n_cols, SIZE: tl.constexpr):
    pid = tl.program_id(axis=0)
    lane = tl.arange(0, SIZE)
    m = tl.full((), float("-inf"), tl.float32)
    s = tl.full((), 0.0, tl.float32)
    for k in range(tl.cdiv(n_cols, SIZE)):
        col = k * SIZE + lane
        chunk = tl.load(x + pid * s0 + col * s1, mask=col < n_cols, other=float("-inf")).to(tl.float32)
        m, s = _update(m, s, chunk)
    for k in range(tl.cdiv(n_cols, SIZE)):
        col = k * SIZE + lane
        chunk = tl.load(x + pid * s0 + col * s1, mask=col < n_cols, other=float("-inf")).to(tl.float32)
        tl.store(out + pid * n_cols + col, tl.exp(chunk - m) * (1.0 / s), mask=col < n_cols)


def softmax(x, block=1024):
    n, d = x.shape
    out = x.new_empty((n, d))
    size = triton.next_power_of_2(d)
    kernel, size = (_short, size) if size <= block else (_long, block)
    kernel[(n,)](out, x, x.stride(0), x.stride(1), d, SIZE=size, num_warps=4)
    return out
