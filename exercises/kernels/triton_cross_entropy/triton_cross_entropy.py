# Generated from solutions/kernels/triton_cross_entropy.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: count_kernel")


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
    raise NotImplementedError("blank 2: row_kernel")


@triton.jit
def mean_kernel(loss_ptr, count_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Write the sum of the losses over the count, 0 for a count of 0; a single program, always in the same order."""
    raise NotImplementedError("blank 3: mean_kernel")


@triton.jit
def scale_kernel(grad_ptr, factor_ptr, cols, row_stride, BLOCK: tl.constexpr):
    """Multiply a block of row `program_id(0)` by a number that lies on the device; 1 moves nothing."""
    raise NotImplementedError("blank 4: scale_kernel")


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
    raise NotImplementedError("blank 5: cross_entropy")


def cross_entropy_backward(grad_loss: Tensor, grad: Tensor, block: int = 4096) -> None:
    """Multiply the gradient that `cross_entropy` left behind by that of its loss, in place.

    Args:
        grad_loss: () float32 on the device, the gradient with respect to the loss.
        grad: (N, V), what the logits have become.
        block: as above.
    """
    raise NotImplementedError("blank 6: cross_entropy_backward")
