"""One program a block of columns: it loads the bias once and walks down the rows; all strides are arguments."""

import triton
import triton.language as tl


@triton.jit
def column_kernel(x_ptr, b_ptr, y_ptr, n, d, sx0, sx1, sb, sy0, C: tl.constexpr):
    j = tl.program_id(0) * C + tl.arange(0, C)
    b = tl.load(b_ptr + j * sb, mask=j < d, other=0).to(tl.float32)
    for i in range(tl.program_id(1), n, tl.num_programs(1)):
        live = (j < d) & (i < n)
        z = tl.load(x_ptr + i * sx0 + j * sx1, mask=live, other=0).to(tl.float32) + b
        u = tl.exp(-1.5957691216057308 * z - 0.0713548162726 * z * z * z)  # exp(−2u)
        tl.store(y_ptr + i * sy0 + j, z / (1 + u), mask=live)


def bias_gelu(x, bias, block=1024):
    n, d = x.shape
    y = x.new_empty((n, d))
    grid = (triton.cdiv(d, block), min(n, 2))
    column_kernel[grid](x, bias, y, n, d, *x.stride(), bias.stride(0), y.stride(0), C=block)
    return y
