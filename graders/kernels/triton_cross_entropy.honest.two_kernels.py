"""Statistics and gradient in kernels of their own, one program a block of a row; partial results are merged twice."""

import torch
import triton
import triton.language as tl


@triton.jit
def tally(y_ptr, n, ignore, out_ptr, B: tl.constexpr):
    seen = 0
    for i in range(tl.cdiv(n, B)):
        at = i * B + tl.arange(0, B)
        y = tl.load(y_ptr + at, mask=at < n, other=0)
        seen += tl.sum(((y != ignore) & (at < n)).to(tl.int32), 0)
    tl.store(out_ptr, seen)


@triton.jit
def part(x_ptr, y_ptr, stride, vocab, blocks, ignore, m_ptr, s_ptr, a_ptr, B: tl.constexpr):
    i, j = tl.program_id(0), tl.program_id(1)
    y = tl.load(y_ptr + i)
    if y != ignore:
        col = j * B + tl.arange(0, B)
        x = tl.load(x_ptr + i.to(tl.int64) * stride + col, mask=col < vocab, other=-float("inf")).to(tl.float32)
        m = tl.max(x, 0)
        tl.store(m_ptr + i * blocks + j, m)
        tl.store(s_ptr + i * blocks + j, tl.sum(tl.where(x > -float("inf"), tl.exp(x - m), 0.0), 0))
        aim = tl.sum(tl.where(col == y, x, 0.0), 0)
        tl.store(a_ptr + i, aim, mask=(y >= j * B) & (y < (j + 1) * B))


@triton.jit
def merge(y_ptr, m_ptr, s_ptr, a_ptr, lse_ptr, loss_ptr, blocks, ignore, B: tl.constexpr):
    i = tl.program_id(0)
    if tl.load(y_ptr + i) == ignore:
        tl.store(loss_ptr + i, 0.0)
    else:
        m = -float("inf")
        for start in range(0, blocks, B):
            at = start + tl.arange(0, B)
            m = tl.maximum(m, tl.max(tl.load(m_ptr + i * blocks + at, mask=at < blocks, other=-float("inf")), 0))
        s = 0.0
        for start in range(0, blocks, B):
            at = start + tl.arange(0, B)
            ms = tl.load(m_ptr + i * blocks + at, mask=at < blocks, other=-float("inf"))
            ss = tl.load(s_ptr + i * blocks + at, mask=at < blocks, other=0.0)
            s += tl.sum(ss * tl.exp(ms - m), 0)
        tl.store(lse_ptr + i * 2, m)
        tl.store(lse_ptr + i * 2 + 1, s)
        tl.store(loss_ptr + i, m - tl.load(a_ptr + i) + tl.log(s))


@triton.jit
def gradient(x_ptr, y_ptr, lse_ptr, n_ptr, stride, vocab, ignore, B: tl.constexpr):
    i, j = tl.program_id(0), tl.program_id(1)
    col = j * B + tl.arange(0, B)
    at = x_ptr + i.to(tl.int64) * stride + col
    y = tl.load(y_ptr + i)
    if y == ignore:
        tl.store(at, tl.zeros([B], dtype=tl.float32), mask=col < vocab)
    else:
        weight = 1.0 / tl.load(n_ptr).to(tl.float32)
        m = tl.load(lse_ptr + i * 2)
        s = tl.load(lse_ptr + i * 2 + 1)
        p = tl.exp(tl.load(at, mask=col < vocab, other=0.0).to(tl.float32) - m) / s
        tl.store(at, tl.where(col == y, p - 1.0, p) * weight, mask=col < vocab)


@triton.jit
def total(loss_ptr, n_ptr, out_ptr, n, B: tl.constexpr):
    acc = 0.0
    for i in range(tl.cdiv(n, B)):
        at = i * B + tl.arange(0, B)
        acc += tl.sum(tl.load(loss_ptr + at, mask=at < n, other=0.0), 0)
    count = tl.load(n_ptr)
    tl.store(out_ptr, tl.where(count > 0, acc / tl.maximum(count, 1).to(tl.float32), 0.0))


def cross_entropy(logits, target, ignore_index=-100, block=4096):
    n, vocab = logits.shape
    blocks = triton.cdiv(vocab, block)
    dev = logits.device
    m, s = torch.empty(n, blocks, device=dev), torch.empty(n, blocks, device=dev)
    a, lse, losses = torch.empty(n, device=dev), torch.empty(n, 2, device=dev), torch.empty(n, device=dev)
    count, out = torch.empty(1, dtype=torch.int32, device=dev), torch.empty((), device=dev)
    tally[(1,)](target, n, ignore_index, count, B=block)
    part[(n, blocks)](logits, target, logits.stride(0), vocab, blocks, ignore_index, m, s, a, B=block)
    merge[(n,)](target, m, s, a, lse, losses, blocks, ignore_index, B=block)
    gradient[(n, blocks)](logits, target, lse, count, logits.stride(0), vocab, ignore_index, B=block)
    total[(1,)](losses, count, out, n, B=block)
    return out


@triton.jit
def multiply(g_ptr, f_ptr, stride, vocab, B: tl.constexpr):
    f = tl.load(f_ptr)
    g_ptr += tl.program_id(0).to(tl.int64) * stride
    end = tl.where(f == 1.0, 0, vocab)
    for start in range(0, end, B):
        col = start + tl.arange(0, B)
        tl.store(g_ptr + col, tl.load(g_ptr + col, mask=col < vocab, other=0.0) * f, mask=col < vocab)


def cross_entropy_backward(grad_loss, grad, block=4096):
    multiply[(grad.shape[0],)](grad, grad_loss, grad.stride(0), grad.shape[1], B=block)
