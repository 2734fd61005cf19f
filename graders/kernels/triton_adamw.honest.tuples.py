"""The lists as tuples of pointers in the launch itself; a program compares its number with the first block of each."""

import triton
import triton.language as tl


@triton.jit
def update(p_ptr, g_ptr, m_ptr, v_ptr, c_ptr, at, inside, lr, wd, b1, r1, b2, r2, c1, c2, eps, COPY: tl.constexpr):
    g = tl.load(g_ptr + at, mask=inside, other=0.0).to(tl.float32)
    m = b1 * tl.load(m_ptr + at, mask=inside, other=0.0) + r1 * g
    v = b2 * tl.load(v_ptr + at, mask=inside, other=0.0) + r2 * (g * g)
    p = tl.load(p_ptr + at, mask=inside, other=0.0)
    p = p - lr * (m / c1 / (tl.sqrt(v / c2) + eps) + wd * p)
    tl.store(m_ptr + at, m, mask=inside)
    tl.store(v_ptr + at, v, mask=inside)
    tl.store(p_ptr + at, p, mask=inside)
    if COPY:
        tl.store(c_ptr + at, p, mask=inside)


@triton.jit
def kernel(ps, gs, ms, vs, cs, first, sizes, lr, wd, b1, r1, b2, r2, c1, c2, eps,
           T: tl.constexpr, COPY: tl.constexpr, B: tl.constexpr):  # fmt: skip
    block = tl.program_id(0)
    for t in tl.static_range(T):
        at = (block - first[t]) * B + tl.arange(0, B)
        if block >= first[t]:
            inside = at < sizes[t]
            update(ps[t], gs[t], ms[t], vs[t], cs[t], at, inside, lr, wd, b1, r1, b2, r2, c1, c2, eps, COPY)


def adamw_step(params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
               copies=None, block=1024):  # fmt: skip
    first, total = [], 0
    for p in params:
        first.append(total)
        total += triton.cdiv(p.numel(), block)
    kernel[(total,)](
        tuple(params), tuple(grads), tuple(exp_avgs), tuple(exp_avg_sqs), tuple(copies or grads), tuple(first),
        tuple(p.numel() for p in params), lr, weight_decay, betas[0], 1 - betas[0], betas[1], 1 - betas[1],
        1 - betas[0] ** step, 1 - betas[1] ** step, eps, T=len(params), COPY=copies is not None, B=block,
    )  # fmt: skip
