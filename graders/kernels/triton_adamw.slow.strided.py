"""AdamW with the lanes of a program eight numbers apart: right, and all memory goes to and fro eight times."""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def adamw_kernel(
    table_ptr, tensors, keep, lr_hat, beta1, rest1, beta2, rest2, scale, eps,
    BLOCK: tl.constexpr, APART: tl.constexpr, TENSORS: tl.constexpr, HALF: tl.constexpr, COPIES: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(0)
    index = tl.arange(0, TENSORS)
    first = tl.load(table_ptr + index, mask=index < tensors)
    table_ptr += tl.sum(((first <= block) & (index < tensors)).to(tl.int32), 0) - 1
    at = ((block - tl.load(table_ptr)) * BLOCK + tl.arange(0, BLOCK)) * APART + tl.program_id(1)
    inside = at < tl.load(table_ptr + tensors)
    p_ptr = tl.load(table_ptr + 2 * tensors).to(tl.pointer_type(tl.float32)) + at
    g_ptr = tl.load(table_ptr + 3 * tensors).to(tl.pointer_type(HALF)) + at
    m_ptr = tl.load(table_ptr + 4 * tensors).to(tl.pointer_type(tl.float32)) + at
    v_ptr = tl.load(table_ptr + 5 * tensors).to(tl.pointer_type(tl.float32)) + at
    g = tl.load(g_ptr, mask=inside).to(tl.float32)
    m = beta1 * tl.load(m_ptr, mask=inside) + rest1 * g
    v = beta2 * tl.load(v_ptr, mask=inside) + rest2 * g * g
    p = keep * tl.load(p_ptr, mask=inside) - lr_hat * m / (tl.sqrt(v) * scale + eps)
    tl.store(p_ptr, p, mask=inside)
    tl.store(m_ptr, m, mask=inside)
    tl.store(v_ptr, v, mask=inside)
    if COPIES:
        tl.store(tl.load(table_ptr + 6 * tensors).to(tl.pointer_type(HALF)) + at, p, mask=inside)


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
    """Update parameters and moments in place by one AdamW step, all tensors in one launch."""
    beta1, beta2 = betas
    sizes = [p.numel() for p in params]
    first, blocks = [], 0
    for size in sizes:
        first.append(blocks)
        blocks += triton.cdiv(size, 8 * block)
    lists = [params, grads, exp_avgs, exp_avg_sqs] + ([copies] if copies is not None else [])
    rows = [first, sizes, *([t.data_ptr() for t in tensors] for tensors in lists)]
    table = torch.tensor(rows, device=params[0].device)
    adamw_kernel[(blocks, 8)](
        *(table, len(sizes), 1 - lr * weight_decay, lr / (1 - beta1**step)),
        *(beta1, 1 - beta1, beta2, 1 - beta2, 1 / math.sqrt(1 - beta2**step), eps),
        BLOCK=block,
        APART=8,
        TENSORS=triton.next_power_of_2(len(sizes)),
        HALF=TYPES[grads[0].dtype],
        COPIES=copies is not None,
    )


TYPES = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
