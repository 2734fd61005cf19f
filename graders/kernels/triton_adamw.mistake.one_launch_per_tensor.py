"""A kernel of one tensor, launched once for each."""

import math

import triton
import triton.language as tl


@triton.jit
def adamw_kernel(p_ptr, g_ptr, m_ptr, v_ptr, c_ptr, size, keep, lr_hat, b1, r1, b2, r2, scale, eps,
                 BLOCK: tl.constexpr, COPIES: tl.constexpr):  # fmt: skip
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    g = tl.load(g_ptr + at, mask=inside).to(tl.float32)
    m = b1 * tl.load(m_ptr + at, mask=inside) + r1 * g
    v = b2 * tl.load(v_ptr + at, mask=inside) + r2 * g * g
    p = keep * tl.load(p_ptr + at, mask=inside) - lr_hat * m / (tl.sqrt(v) * scale + eps)
    tl.store(p_ptr + at, p, mask=inside)
    tl.store(m_ptr + at, m, mask=inside)
    tl.store(v_ptr + at, v, mask=inside)
    if COPIES:
        tl.store(c_ptr + at, p, mask=inside)


def adamw_step(params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
               copies=None, block=1024):  # fmt: skip
    for p, g, m, v, c in zip(params, grads, exp_avgs, exp_avg_sqs, copies or grads, strict=False):
        if p.numel():
            adamw_kernel[(triton.cdiv(p.numel(), block),)](
                p, g, m, v, c, p.numel(), 1 - lr * weight_decay, lr / (1 - betas[0] ** step), betas[0], 1 - betas[0],
                betas[1], 1 - betas[1], 1 / math.sqrt(1 - betas[1] ** step), eps, BLOCK=block, COPIES=copies is not None,
            )  # fmt: skip
