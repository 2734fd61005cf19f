"""Cross-entropy of rows of logits whose gradient is written over the logits in the same launch.

Sources: Hsu et al. 2024 (arXiv:2410.10989), section 3.2; Milakov, Gimelshein 2018 (arXiv:1805.02867), algorithm 3.
Dimensions: N rows (tokens), V classes (the vocabulary); one program a row.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def count_kernel(target_ptr, count_ptr, n, ignore_index, BLOCK: tl.constexpr):
    """Write the number of targets that are not ignored; a single program."""
    # region blank: count the targets that are not ignored
    count = 0
    for start in range(0, n, BLOCK):
        rows = start + tl.arange(0, BLOCK)
        target = tl.load(target_ptr + rows, mask=rows < n, other=ignore_index)
        count += tl.sum((target != ignore_index).to(tl.int32), 0)
    tl.store(count_ptr, count)
    # endregion


@triton.jit
def row_kernel(
    logits_ptr, target_ptr, count_ptr, loss_ptr, vocab, row_stride, ignore_index, BLOCK: tl.constexpr
):  # fmt: skip
    """Overwrite row `program_id(0)` of the logits by the gradient of the mean loss, and write the row's own loss.

    Args:
        logits_ptr: (N, V), float32, float16 or bfloat16; adjacent columns.
        target_ptr: (N,) int64.
        count_ptr: () int32, how many targets are not ignored.
        loss_ptr: (N,) float32, the losses of the rows, 0 for ignored ones.
        row_stride: elements from one row to the next.
        BLOCK: columns in registers at once, a power of two.
    """
    row = tl.program_id(0).to(tl.int64)  # row * row_stride may pass 2³¹
    logits_ptr += row * row_stride
    target = tl.load(target_ptr + row)
    if target == ignore_index:
        # region blank: an ignored row: no loss, no gradient, nothing to read
        tl.store(loss_ptr + row, 0.0)
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            tl.store(logits_ptr + cols, 0.0, mask=cols < vocab)
        # endregion
    else:
        # region blank: first read: the target's logit, the maximum and the sum of exponentials relative to it; the loss
        aim = tl.load(logits_ptr + target).to(tl.float32)  # before the gradient is written over it
        peak = -float("inf")
        total = 0.0
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            x = tl.load(logits_ptr + cols, mask=cols < vocab, other=-float("inf")).to(tl.float32)
            new_peak = tl.maximum(peak, tl.max(x, 0))
            shift = tl.where(new_peak == -float("inf"), 0.0, new_peak)  # nothing but −inf so far
            total = total * tl.exp(peak - shift) + tl.sum(tl.exp(x - shift), 0)
            peak = new_peak
        tl.store(loss_ptr + row, peak - aim + tl.log(total))
        # endregion
        # region blank: second read: (softmax − one-hot of the target) / count, stored where the logits were
        count = tl.load(count_ptr)
        for start in range(0, vocab, BLOCK):
            cols = start + tl.arange(0, BLOCK)
            x = tl.load(logits_ptr + cols, mask=cols < vocab).to(tl.float32)
            grad = tl.exp(x - peak) / total - tl.where(cols == target, 1.0, 0.0)
            tl.store(logits_ptr + cols, grad / count, mask=cols < vocab)
        # endregion


@triton.jit
def mean_kernel(loss_ptr, count_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Write the sum of the losses over the count, 0 for a count of 0; a single program, always in the same order."""
    # region blank: add up the losses, divide
    total = 0.0
    for start in range(0, n, BLOCK):
        rows = start + tl.arange(0, BLOCK)
        total += tl.sum(tl.load(loss_ptr + rows, mask=rows < n, other=0.0), 0)
    tl.store(out_ptr, total / tl.maximum(tl.load(count_ptr), 1))
    # endregion


@triton.jit
def scale_kernel(grad_ptr, factor_ptr, cols, row_stride, BLOCK: tl.constexpr):
    """Multiply a block of row `program_id(0)` by a number that lies on the device; 1 moves nothing."""
    # region blank: read the factor; unless it is 1, multiply
    factor = tl.load(factor_ptr)  # float32
    if factor != 1.0:
        at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        grad_ptr += tl.program_id(0).to(tl.int64) * row_stride
        grad = tl.load(grad_ptr + at, mask=at < cols).to(tl.float32)
        tl.store(grad_ptr + at, grad * factor, mask=at < cols)
    # endregion


def cross_entropy(logits: Tensor, target: Tensor, ignore_index: int = -100, block: int = 4096) -> Tensor:
    """Return the mean cross-entropy, and leave its gradient in the memory of the logits.

    Args:
        logits: (N, V), float32, float16 or bfloat16, columns adjacent, rows any distance apart; overwritten.
        target: (N,) int64, classes or ignore_index.
        ignore_index: the target that does not count.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        () float32, the mean over the rows that count; 0 if none does.
    """
    n, vocab = logits.shape
    device = logits.device
    # region blank: count, rows, mean: three launches
    count, losses = torch.empty((), dtype=torch.int32, device=device), torch.empty((n,), device=device)
    loss = torch.empty((), device=device)
    count_kernel[(1,)](target, count, n, ignore_index, BLOCK=block)
    row_kernel[(n,)](logits, target, count, losses, vocab, logits.stride(0), ignore_index, BLOCK=block)
    mean_kernel[(1,)](losses, count, loss, n, BLOCK=block)
    return loss
    # endregion


def cross_entropy_backward(grad_loss: Tensor, grad: Tensor, block: int = 4096) -> None:
    """Multiply the gradient that `cross_entropy` left behind by that of its loss, in place.

    Args:
        grad_loss: () float32 on the device, the gradient with respect to the loss.
        grad: (N, V), what the logits have become.
        block: as above.
    """
    # region blank: launch a program for each block of each row
    n, vocab = grad.shape
    scale_kernel[(n, triton.cdiv(vocab, block))](grad, grad_loss, vocab, grad.stride(0), BLOCK=block)
    # endregion
