"""torch updates everything; a kernel is launched on a tensor that nobody reads."""

import torch
import triton
import triton.language as tl


@triton.jit
def idle_kernel(scratch_ptr):
    tl.store(scratch_ptr + tl.program_id(0), 0.0)


def adamw_step(params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
               copies=None, block=1024):  # fmt: skip
    idle_kernel[(1,)](torch.empty(1, device=params[0].device))
    for i, (p, g, m, v) in enumerate(zip(params, grads, exp_avgs, exp_avg_sqs, strict=False)):
        g = g.float()
        m.mul_(betas[0]).add_(g, alpha=1 - betas[0])
        v.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
        denominator = (v / (1 - betas[1] ** step)).sqrt().add_(eps)
        p.mul_(1 - lr * weight_decay).addcdiv_(m, denominator, value=-lr / (1 - betas[0] ** step))
        if copies is not None:
            copies[i].copy_(p)
