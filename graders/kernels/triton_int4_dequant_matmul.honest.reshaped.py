"""A tile of words is unpacked to a tile of weights by a reshape, for one product; a single row is padded to 16."""

import triton
import triton.language as tl


@triton.jit
def tile_kernel(
    x_ptr, p_ptr, s_ptr, z_ptr, y_ptr, m, n, k, sxm, sxk, ssg, ssn, szg, szn, group,
    BM: tl.constexpr, BN: tl.constexpr, BW: tl.constexpr,
):  # fmt: skip
    i = tl.program_id(1) * BM + tl.arange(0, BM)
    c = tl.program_id(0) * BN + tl.arange(0, BN)
    y = tl.zeros((BM, BN), tl.float32)
    for start in range(0, k // 8, BW):
        word = start + tl.arange(0, BW)
        p = tl.load(p_ptr + word[:, None] * n + c[None, :], mask=(word < k // 8)[:, None] & (c < n)[None, :], other=0)
        q = (p[:, None, :] >> (tl.arange(0, 8) * 4)[None, :, None]) & 15
        q = tl.reshape(q, (BW * 8, BN))
        j = start * 8 + tl.arange(0, BW * 8)
        ok = (j < k)[:, None] & (c < n)[None, :]
        s = tl.load(s_ptr + (j // group)[:, None] * ssg + c[None, :] * ssn, mask=ok, other=0.0).to(tl.float32)
        z = tl.load(z_ptr + (j // group)[:, None] * szg + c[None, :] * szn, mask=ok, other=0.0).to(tl.float32)
        x = tl.load(x_ptr + i[:, None] * sxm + j[None, :] * sxk, mask=(i < m)[:, None] & (j < k)[None, :], other=0.0)
        y += tl.dot(x.to(tl.float32), (q.to(tl.float32) - z) * s, input_precision="ieee")
    tl.store(
        y_ptr + i[:, None] * n + c[None, :], y.to(y_ptr.dtype.element_ty), mask=(i < m)[:, None] & (c < n)[None, :]
    )


def int4_matmul(x, packed, scales, zeros):
    m, k = x.shape
    n = packed.shape[1]
    y = x.new_empty(m, n)
    tile_kernel[(triton.cdiv(n, 32), triton.cdiv(m, 32))](
        x, packed, scales, zeros, y, m, n, k, *x.stride(), *scales.stride(), *zeros.stride(), k // scales.shape[0],
        BM=32, BN=32, BW=8,
    )  # fmt: skip
    return y
