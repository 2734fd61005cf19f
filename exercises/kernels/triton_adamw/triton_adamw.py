# Generated from solutions/kernels/triton_adamw.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: adamw_kernel")


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
    raise NotImplementedError("blank 2: adamw_step")


TYPES = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
