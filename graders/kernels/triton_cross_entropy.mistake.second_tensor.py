"""The gradient goes into a tensor of its own, which is copied over the logits at the end."""

import torch
import triton
import triton.language as tl


@triton.jit
def row_kernel(x_ptr, y_ptr, count_ptr, grad_ptr, loss_ptr, vocab, stride, ignore, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    x_ptr += row * stride
    grad_ptr += row * vocab
    y = tl.load(y_ptr + row)
    if y == ignore:
        tl.store(loss_ptr + row, 0.0)
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            tl.store(grad_ptr + cols, tl.zeros((BLOCK,), tl.float32), mask=cols < vocab)
    else:
        peak = -float("inf")
        total = 0.0
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            x = tl.load(x_ptr + cols, mask=cols < vocab, other=-float("inf")).to(tl.float32)
            new = tl.maximum(peak, tl.max(x, 0))
            shift = tl.where(new == -float("inf"), 0.0, new)
            total = total * tl.exp(peak - shift) + tl.sum(tl.exp(x - shift), 0)
            peak = new
        tl.store(loss_ptr + row, peak - tl.load(x_ptr + y).to(tl.float32) + tl.log(total))
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            x = tl.load(x_ptr + cols, mask=cols < vocab).to(tl.float32)
            grad = tl.exp(x - peak) / total - (cols == y).to(tl.float32)
            tl.store(grad_ptr + cols, grad / tl.load(count_ptr), mask=cols < vocab)


@triton.jit
def mean_kernel(y_ptr, loss_ptr, count_ptr, out_ptr, n, ignore, MEAN: tl.constexpr, BLOCK: tl.constexpr):
    total = 0.0
    for start in range(0, n, BLOCK):
        rows = start + tl.arange(0, BLOCK)
        if MEAN:
            total += tl.sum(tl.load(loss_ptr + rows, mask=rows < n, other=0.0), 0)
        else:
            total += tl.sum((tl.load(y_ptr + rows, mask=rows < n, other=ignore) != ignore).to(tl.float32), 0)
    if MEAN:
        total = total / tl.maximum(tl.load(count_ptr), 1.0)
    tl.store(out_ptr, total)


def cross_entropy(logits, target, ignore_index=-100, block=4096):
    n, vocab = logits.shape
    count, loss, losses = torch.empty(1), torch.empty(()), torch.empty(n)
    grad = torch.empty((n, vocab), dtype=logits.dtype)
    mean_kernel[(1,)](target, losses, count, count, n, ignore_index, MEAN=False, BLOCK=block)
    row_kernel[(n,)](logits, target, count, grad, losses, vocab, logits.stride(0), ignore_index, BLOCK=block)
    mean_kernel[(1,)](target, losses, count, loss, n, ignore_index, MEAN=True, BLOCK=block)
    logits.copy_(grad)
    return loss


@triton.jit
def scale_kernel(grad_ptr, factor_ptr, cols, stride, BLOCK: tl.constexpr):
    factor = tl.load(factor_ptr)
    if factor != 1.0:
        at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        grad_ptr += tl.program_id(0).to(tl.int64) * stride
        tl.store(grad_ptr + at, tl.load(grad_ptr + at, mask=at < cols).to(tl.float32) * factor, mask=at < cols)


def cross_entropy_backward(grad_loss, grad, block=4096):
    n, vocab = grad.shape
    scale_kernel[(n, triton.cdiv(vocab, block))](grad, grad_loss, vocab, grad.stride(0), BLOCK=block)
