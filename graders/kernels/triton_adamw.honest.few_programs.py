"""A few programs stride over all blocks; each finds its tensor by bisection in the table of ends."""

import torch
import triton
import triton.language as tl


@triton.jit
def find(ends, block, n):
    low = 0
    high = n - 1
    while low < high:
        middle = (low + high) // 2
        if tl.load(ends + middle) > block:
            high = middle
        else:
            low = middle + 1
    return low


@triton.jit
def kernel(ends, sizes, ps, gs, ms, vs, cs, n, blocks, beta1, one_minus_beta1, beta2, one_minus_beta2, shrink, step_size,
           root, eps, T: tl.constexpr, B: tl.constexpr):  # fmt: skip
    for block in range(tl.program_id(0), blocks, tl.num_programs(0)):
        t = find(ends, block, n)
        size = tl.load(sizes + t)
        offset = (block - tl.load(ends + t) + tl.cdiv(size, B)) * B + tl.arange(0, B)
        inside = offset < size
        g = tl.load(tl.load(gs + t).to(tl.pointer_type(T)) + offset, mask=inside, other=0).to(tl.float32)
        m_at = tl.load(ms + t).to(tl.pointer_type(tl.float32)) + offset
        m = tl.load(m_at, mask=inside, other=0) * beta1 + g * one_minus_beta1
        tl.store(m_at, m, mask=inside)
        v_at = tl.load(vs + t).to(tl.pointer_type(tl.float32)) + offset
        v = tl.load(v_at, mask=inside, other=0) * beta2 + (g * one_minus_beta2) * g
        tl.store(v_at, v, mask=inside)
        p_at = tl.load(ps + t).to(tl.pointer_type(tl.float32)) + offset
        p = tl.load(p_at, mask=inside, other=0) * shrink
        p -= step_size * (m / (tl.sqrt(v) / root + eps))
        tl.store(p_at, p, mask=inside)
        c = tl.load(cs + t)
        if c != 0:
            tl.store(c.to(tl.pointer_type(T)) + offset, p.to(T), mask=inside)


def adamw_step(params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
               copies=None, block=1024):  # fmt: skip
    def table(numbers):
        return torch.tensor(numbers, dtype=torch.int64, device=params[0].device)

    ends, total = [], 0
    for p in params:
        total += (p.numel() + block - 1) // block
        ends.append(total)
    addresses = [table([t.data_ptr() for t in tensors]) for tensors in (params, grads, exp_avgs, exp_avg_sqs)]
    addresses.append(table([t.data_ptr() for t in copies]) if copies else table([0] * len(params)))
    c1, c2 = 1 - betas[0] ** step, 1 - betas[1] ** step
    kinds = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
    kernel[(min(total, 3),)](
        table(ends), table([p.numel() for p in params]), *addresses, len(params), total, betas[0], 1 - betas[0], betas[1],
        1 - betas[1], 1 - lr * weight_decay, lr / c1, c2**0.5, eps, T=kinds[grads[0].dtype], B=block,
    )  # fmt: skip
