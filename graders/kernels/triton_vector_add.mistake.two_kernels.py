"""The sum in one kernel, GELU in another: eager PyTorch, rebuilt in Triton."""

import torch
import triton
import triton.language as tl


@triton.jit
def add_kernel(x_ptr, bias_ptr, z_ptr, d, parts, BLOCK: tl.constexpr):
    row = tl.program_id(0) // parts
    cols = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * d + cols, mask=cols < d).to(tl.float32)
    bias = tl.load(bias_ptr + cols, mask=cols < d).to(tl.float32)
    tl.store(z_ptr + row * d + cols, x + bias, mask=cols < d)


@triton.jit
def gelu_kernel(z_ptr, out_ptr, size, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    z = tl.load(z_ptr + at, mask=at < size)
    answer = z * tl.sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z))
    tl.store(out_ptr + at, answer, mask=at < size)


def bias_gelu(x, bias, block=1024):
    x, bias = x.contiguous(), bias.contiguous()
    n, d = x.shape
    z, out = torch.empty_like(x, dtype=torch.float32), torch.empty_like(x)
    parts = triton.cdiv(d, block)
    add_kernel[(n * parts,)](x, bias, z, d, parts, BLOCK=block)
    gelu_kernel[(triton.cdiv(n * d, block),)](z, out, n * d, BLOCK=block)
    return out
