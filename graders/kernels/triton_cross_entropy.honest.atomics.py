"""Every row adds its share to the loss by an atomic operation; lanes keep maxima and sums of their own, in base 2."""

import torch
import triton
import triton.language as tl


@triton.jit
def count_rows(target, count, n, skip, SIZE: tl.constexpr):
    at = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    t = tl.load(target + at, mask=at < n, other=0)
    tl.atomic_add(count, tl.sum(tl.where((at < n) & (t != skip), 1.0, 0.0), 0))


@triton.jit
def rows(x, target, count, loss, vocab, stride, skip, LOG2E: tl.constexpr, LN2: tl.constexpr, SIZE: tl.constexpr):
    row = tl.program_id(0)
    x += row.to(tl.int64) * stride
    t = tl.load(target + row)
    lanes = tl.arange(0, SIZE)
    alive = t != skip
    safe = tl.where(alive, t, 0)
    end = tl.where(alive, vocab, 0)
    goal = tl.load(x + safe, mask=alive, other=0.0).to(tl.float32)
    m = tl.full([SIZE], -float("inf"), tl.float32)
    s = tl.zeros([SIZE], tl.float32)
    for start in range(0, end, SIZE):
        v = tl.load(x + start + lanes, mask=start + lanes < vocab, other=-float("inf")).to(tl.float32)
        top = tl.maximum(m, v)
        base = tl.where(top > -float("inf"), top, 0.0)
        s = s * tl.exp2((m - base) * LOG2E) + tl.exp2((v - base) * LOG2E)
        m = top
    best = tl.max(m, 0)
    shift = tl.where(alive, best, 0.0)
    norm = tl.sum(s * tl.exp2((m - shift) * LOG2E), 0)
    share = 1.0 / tl.maximum(tl.load(count), 1.0)
    if alive:
        tl.atomic_add(loss, ((best - goal) + tl.log2(norm) * LN2) * share)
        for start in range(0, vocab, SIZE):
            cols = start + lanes
            v = tl.load(x + cols, mask=cols < vocab, other=0.0).to(tl.float32)
            p = tl.exp2((v - best) * LOG2E) * (share / norm)
            tl.store(x + cols, p - tl.where(cols == t, share, 0.0), mask=cols < vocab)
    else:
        for start in range(0, vocab, SIZE):
            cols = start + lanes
            tl.store(x + cols, tl.full([SIZE], 0.0, tl.float32), mask=cols < vocab)


def cross_entropy(logits, target, ignore_index=-100, block=4096):
    n, vocab = logits.shape
    count, loss = torch.zeros(1, device=logits.device), torch.zeros((), device=logits.device)
    count_rows[(triton.cdiv(n, block),)](target, count, n, ignore_index, SIZE=block)
    rows[(n,)](
        logits, target, count, loss, vocab, logits.stride(0), ignore_index, LOG2E=1.4426950408889634, LN2=0.6931471805599453,
        SIZE=block,
    )  # fmt: skip
    return loss


@triton.jit
def times(grad, factor, n, vocab, stride, SIZE: tl.constexpr):
    f = tl.load(factor)
    blocks = tl.cdiv(vocab, SIZE)
    for number in range(tl.program_id(0), n * blocks, tl.num_programs(0)):
        cols = (number % blocks) * SIZE + tl.arange(0, SIZE)
        at = grad + (number // blocks).to(tl.int64) * stride + cols
        live = (cols < vocab) & (f != 1.0)
        tl.store(at, tl.load(at, mask=live, other=0.0).to(tl.float32) * f, mask=live)


def cross_entropy_backward(grad_loss, grad, block=4096):
    n, vocab = grad.shape
    times[(2,)](grad, grad_loss, n, vocab, grad.stride(0), SIZE=block)
