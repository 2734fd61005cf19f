"""The sum is stored by the first program of a row and read by all of the row's programs, in one launch."""

import torch
import triton
import triton.language as tl


@triton.jit
def bias_gelu_kernel(x_ptr, bias_ptr, out_ptr, n, d, parts, BLOCK: tl.constexpr):
    row = tl.program_id(0) // parts
    part = tl.program_id(0) % parts
    lanes = tl.arange(0, BLOCK)
    if part == 0:
        for start in range(0, d, BLOCK):
            cols = start + lanes
            x = tl.load(x_ptr + row * d + cols, mask=cols < d).to(tl.float32)
            bias = tl.load(bias_ptr + cols, mask=cols < d).to(tl.float32)
            tl.store(out_ptr + row * d + cols, x + bias, mask=cols < d)
    cols = part * BLOCK + lanes
    z = tl.load(out_ptr + row * d + cols, mask=cols < d)
    answer = z * tl.sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z))
    tl.store(out_ptr + row * d + cols, answer, mask=cols < d)


def bias_gelu(x, bias, block=1024):
    x, bias = x.contiguous(), bias.contiguous()
    n, d = x.shape
    out = torch.empty_like(x, dtype=torch.float32)
    parts = triton.cdiv(d, block)
    bias_gelu_kernel[(n * parts,)](x, bias, out, n, d, parts, BLOCK=block)
    return out.to(x.dtype)
