"""Cross-entropy, 32 classes at a time, and its gradient scaled by lanes eight apart: right, and mostly waits for memory."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def count_kernel(target_ptr, count_ptr, n, ignore_index, BLOCK: tl.constexpr):
    count = 0
    for start in range(0, n, BLOCK):
        rows = start + tl.arange(0, BLOCK)
        target = tl.load(target_ptr + rows, mask=rows < n, other=ignore_index)
        count += tl.sum((target != ignore_index).to(tl.int32), 0)
    tl.store(count_ptr, count)


@triton.jit
def row_kernel(
    logits_ptr, target_ptr, count_ptr, loss_ptr, vocab, row_stride, ignore_index, BLOCK: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    logits_ptr += row * row_stride
    target = tl.load(target_ptr + row)
    if target == ignore_index:
        tl.store(loss_ptr + row, 0.0)
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            tl.store(logits_ptr + cols, 0.0, mask=cols < vocab)
    else:
        aim = tl.load(logits_ptr + target).to(tl.float32)
        peak = -float("inf")
        total = 0.0
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            x = tl.load(logits_ptr + cols, mask=cols < vocab, other=-float("inf")).to(tl.float32)
            new_peak = tl.maximum(peak, tl.max(x, 0))
            shift = tl.where(new_peak == -float("inf"), 0.0, new_peak)
            total = total * tl.exp(peak - shift) + tl.sum(tl.exp(x - shift), 0)
            peak = new_peak
        tl.store(loss_ptr + row, peak - aim + tl.log(total))
        count = tl.load(count_ptr)
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            x = tl.load(logits_ptr + cols, mask=cols < vocab).to(tl.float32)
            grad = tl.exp(x - peak) / total - tl.where(cols == target, 1.0, 0.0)
            tl.store(logits_ptr + cols, grad / count, mask=cols < vocab)


@triton.jit
def mean_kernel(loss_ptr, count_ptr, out_ptr, n, BLOCK: tl.constexpr):
    total = 0.0
    for start in range(0, n, BLOCK):
        rows = start + tl.arange(0, BLOCK)
        total += tl.sum(tl.load(loss_ptr + rows, mask=rows < n, other=0.0), 0)
    tl.store(out_ptr, total / tl.maximum(tl.load(count_ptr), 1))


@triton.jit
def scale_kernel(grad_ptr, factor_ptr, cols, row_stride, BLOCK: tl.constexpr, APART: tl.constexpr):
    factor = tl.load(factor_ptr)
    if factor != 1.0:
        at = (tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)) * APART + tl.program_id(2)
        grad_ptr += tl.program_id(0).to(tl.int64) * row_stride
        grad = tl.load(grad_ptr + at, mask=at < cols).to(tl.float32)
        tl.store(grad_ptr + at, grad * factor, mask=at < cols)


def cross_entropy(logits: Tensor, target: Tensor, ignore_index: int = -100, block: int = 4096) -> Tensor:
    """Return the mean cross-entropy, and leave its gradient in the memory of the logits."""
    n, vocab = logits.shape
    device = logits.device
    count, losses = torch.empty((), dtype=torch.int32, device=device), torch.empty((n,), device=device)
    loss = torch.empty((), device=device)
    count_kernel[(1,)](target, count, n, ignore_index, BLOCK=block)
    row_kernel[(n,)](
        logits, target, count, losses, vocab, logits.stride(0), ignore_index, BLOCK=min(block, 32)
    )  # fmt: skip
    mean_kernel[(1,)](losses, count, loss, n, BLOCK=block)
    return loss


def cross_entropy_backward(grad_loss: Tensor, grad: Tensor, block: int = 4096) -> None:
    """Multiply the gradient that `cross_entropy` left behind by that of its loss, in place."""
    n, vocab = grad.shape
    grid = (n, triton.cdiv(vocab, 8 * block), 8)
    scale_kernel[grid](grad, grad_loss, vocab, grad.stride(0), BLOCK=block, APART=8)
