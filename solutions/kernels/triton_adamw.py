"""One AdamW step over a whole list of tensors in a single Triton launch.

Source: Loshchilov, Hutter 2019 (arXiv:1711.05101), algorithm 2.
Dimensions: T tensors; each is cut into blocks, and each program updates one block of one tensor.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def adamw_kernel(
    table_ptr, tensors, keep, lr_hat, beta1, rest1, beta2, rest2, scale, eps,
    BLOCK: tl.constexpr, TENSORS: tl.constexpr, HALF: tl.constexpr, COPIES: tl.constexpr,
):  # fmt: skip
    """Update block `program_id(0)` of the blocks of all tensors, counted through.

    Args:
        table_ptr: (6 or 7, T) int64, a row each: number of the tensor's first block, its elements, the addresses of its
            parameters, gradients, first moments, second moments and, where there are copies, of its copy.
        tensors: T.
        keep: what is left of a parameter after decay, 1 − lr · weight_decay.
        lr_hat: lr / (1 − β₁ᵗ).
        rest1, rest2: 1 − β₁ and 1 − β₂.
        scale: 1 / √(1 − β₂ᵗ).
        BLOCK: elements a program.
        TENSORS: a power of two, at least T.
        HALF: the type of gradients and copies.
        COPIES: whether there are copies.
    """
    block = tl.program_id(0)
    # region blank: find the tensor that this block belongs to, and where in it the block starts
    index = tl.arange(0, TENSORS)
    first = tl.load(table_ptr + index, mask=index < tensors)
    table_ptr += tl.sum(((first <= block) & (index < tensors)).to(tl.int32), 0) - 1  # the column of that tensor
    start = (block - tl.load(table_ptr)) * BLOCK  # int64, as the table is
    at = start + tl.arange(0, BLOCK)
    inside = at < tl.load(table_ptr + tensors)
    # endregion
    # region blank: make pointers of its addresses, and load
    p_ptr = tl.load(table_ptr + 2 * tensors).to(tl.pointer_type(tl.float32)) + at
    g_ptr = tl.load(table_ptr + 3 * tensors).to(tl.pointer_type(HALF)) + at
    m_ptr = tl.load(table_ptr + 4 * tensors).to(tl.pointer_type(tl.float32)) + at
    v_ptr = tl.load(table_ptr + 5 * tensors).to(tl.pointer_type(tl.float32)) + at
    p = tl.load(p_ptr, mask=inside)
    g = tl.load(g_ptr, mask=inside).to(tl.float32)
    m = tl.load(m_ptr, mask=inside)
    v = tl.load(v_ptr, mask=inside)
    # endregion
    # region blank: update the moments, then the parameters; store all three, and the copy
    m = beta1 * m + rest1 * g
    v = beta2 * v + rest2 * g * g
    p = keep * p - lr_hat * m / (tl.sqrt(v) * scale + eps)
    tl.store(p_ptr, p, mask=inside)
    tl.store(m_ptr, m, mask=inside)
    tl.store(v_ptr, v, mask=inside)
    if COPIES:
        c_ptr = tl.load(table_ptr + 6 * tensors).to(tl.pointer_type(HALF)) + at
        tl.store(c_ptr, p, mask=inside)
    # endregion


def adamw_step(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    step: int,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    copies: list[Tensor] | None = None,
    block: int = 1024,
) -> None:
    """Update parameters and moments in place by one AdamW step, all tensors in one launch.

    Args:
        params, exp_avgs, exp_avg_sqs: T contiguous float32 tensors each, of the same shapes.
        grads: T contiguous tensors of these shapes, all float32, all float16 or all bfloat16.
        step: which update this is, 1 for the first.
        copies: T tensors like grads, overwritten by the new parameters; None for none.
        block: elements of a tensor that one program updates, a power of two.
    """
    beta1, beta2 = betas
    # region blank: lay out the table: blocks counted through all tensors, their sizes and addresses
    sizes = [p.numel() for p in params]
    first, blocks = [], 0
    for size in sizes:
        first.append(blocks)
        blocks += triton.cdiv(size, block)
    lists = [params, grads, exp_avgs, exp_avg_sqs] + ([copies] if copies is not None else [])
    rows = [first, sizes, *([t.data_ptr() for t in tensors] for tensors in lists)]
    table = torch.tensor(rows, device=params[0].device)  # int64
    # endregion
    # region blank: launch, with all that depends on the hyperparameters alone worked out in Python's double precision
    adamw_kernel[(blocks,)](
        table,
        len(sizes),
        1 - lr * weight_decay,
        lr / (1 - beta1**step),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        1 / math.sqrt(1 - beta2**step),
        eps,
        BLOCK=block,
        TENSORS=triton.next_power_of_2(len(sizes)),
        HALF=TYPES[grads[0].dtype],
        COPIES=copies is not None,
    )
    # endregion


TYPES = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
