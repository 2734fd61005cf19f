"""All tensors are copied into flat buffers, updated there by one launch, and copied back."""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def adamw_kernel(p_ptr, g_ptr, m_ptr, v_ptr, size, keep, lr_hat, b1, r1, b2, r2, scale, eps, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    g = tl.load(g_ptr + at, mask=inside).to(tl.float32)
    m = b1 * tl.load(m_ptr + at, mask=inside) + r1 * g
    v = b2 * tl.load(v_ptr + at, mask=inside) + r2 * g * g
    p = keep * tl.load(p_ptr + at, mask=inside) - lr_hat * m / (tl.sqrt(v) * scale + eps)
    tl.store(p_ptr + at, p, mask=inside)
    tl.store(m_ptr + at, m, mask=inside)
    tl.store(v_ptr + at, v, mask=inside)


def adamw_step(params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
               copies=None, block=1024):  # fmt: skip
    lists = (params, grads, exp_avgs, exp_avg_sqs)
    flat = [torch.cat([t.reshape(-1) for t in tensors]) for tensors in lists]
    size = flat[0].numel()
    adamw_kernel[(triton.cdiv(size, block),)](
        *flat, size, 1 - lr * weight_decay, lr / (1 - betas[0] ** step), betas[0], 1 - betas[0], betas[1], 1 - betas[1],
        1 / math.sqrt(1 - betas[1] ** step), eps, BLOCK=block,
    )  # fmt: skip
    start = 0
    for i, p in enumerate(params):
        for buffer, tensors in zip(flat, lists, strict=False):
            if tensors is not grads:
                tensors[i].copy_(buffer[start : start + p.numel()].view(p.shape))
        if copies is not None:
            copies[i].copy_(p)
        start += p.numel()
