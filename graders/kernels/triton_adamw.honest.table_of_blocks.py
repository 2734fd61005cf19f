"""A table with a row for each block, made on the host; moments by interpolation, the step by m̂ and v̂ themselves."""

import torch
import triton
import triton.language as tl


@triton.jit
def kernel(rows, lr, decay, b1, b2, c1, c2, eps, KIND: tl.constexpr, WITH_COPY: tl.constexpr, SIZE: tl.constexpr):
    row = rows + tl.program_id(0) * 6
    left = tl.load(row + 5)
    lane = tl.arange(0, SIZE)
    live = lane < left
    theta = tl.load(row).to(tl.pointer_type(tl.float32)) + lane
    grad = tl.load(tl.load(row + 1).to(tl.pointer_type(KIND)) + lane, mask=live, other=0.0).to(tl.float32)
    first = tl.load(row + 2).to(tl.pointer_type(tl.float32)) + lane
    second = tl.load(row + 3).to(tl.pointer_type(tl.float32)) + lane
    m = tl.load(first, mask=live, other=0.0)
    m += b1 * (grad - m)
    v = tl.load(second, mask=live, other=0.0)
    v += b2 * (grad * grad - v)
    old = tl.load(theta, mask=live, other=0.0)
    new = old - decay * old - lr * ((m / c1) / (tl.sqrt(v / c2) + eps))
    tl.store(first, m, mask=live)
    tl.store(second, v, mask=live)
    tl.store(theta, new, mask=live)
    if WITH_COPY:
        tl.store(tl.load(row + 4).to(tl.pointer_type(KIND)) + lane, new, mask=live)


def adamw_step(params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
               copies=None, block=1024):  # fmt: skip
    rows = []
    for i, (p, g, m, v) in enumerate(zip(params, grads, exp_avgs, exp_avg_sqs, strict=False)):
        tensors = (p, g, m, v, g if copies is None else copies[i])
        for start in range(0, p.numel(), block):
            rows.append([t.data_ptr() + start * t.element_size() for t in tensors] + [p.numel() - start])
    kind = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}[grads[0].dtype]
    kernel[(len(rows),)](
        torch.tensor(rows, device=params[0].device), lr, lr * weight_decay, 1 - betas[0], 1 - betas[1],
        1 - betas[0] ** step, 1 - betas[1] ** step, eps, KIND=kind, WITH_COPY=copies is not None, SIZE=block,
    )  # fmt: skip
