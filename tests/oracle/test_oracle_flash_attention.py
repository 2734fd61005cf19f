"""Tiled attention against torch's fused one, given the mask, and against torch.logsumexp of all scores."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SIZES = [  # batch, heads, q_len, kv_len, head_dim, block_q, block_k
    (1, 1, 1, 1, 1, 1, 1),
    (2, 3, 7, 10, 4, 3, 4),
    (1, 2, 130, 130, 8, 64, 32),
    (2, 1, 9, 5, 6, 2, 3),
    (1, 2, 1, 65, 16, 8, 16),
    (1, 1, 33, 40, 8, 100, 7),
]
DTYPES = [torch.float32, torch.float64]


def drawn(size, dtype):
    batch, heads, q_len, kv_len, head_dim, *_ = size
    return [torch.randn(batch, heads, length, head_dim, dtype=dtype) for length in (q_len, kv_len, kv_len)]


def allowed_by(is_causal, q_len, kv_len):
    if not is_causal:
        return torch.ones(q_len, kv_len, dtype=torch.bool)
    return torch.arange(kv_len) <= torch.arange(kv_len - q_len, kv_len)[:, None]


def theirs(q, k, v, allowed):
    scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~allowed, -torch.inf)
    return F.scaled_dot_product_attention(q, k, v, allowed), scores.logsumexp(dim=-1)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("factor", [1.0, 7.0], ids=["", "sharp"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values(solution, agree, conditioning, size, factor, is_causal, dtype):
    attention = solution("flash_attention").flash_attention
    q, k, v = drawn(size, dtype)
    q = q * factor

    def ours(q, k, v):
        return attention(q, k, v, *size[5:], is_causal)

    scales = conditioning(lambda *inputs: [value.nan_to_num(neginf=0.0) for value in ours(*inputs)], [q, k, v])
    right = theirs(q, k, v, allowed_by(is_causal, *size[2:4]))
    for mine, other, scale in zip(ours(q, k, v), right, scales, strict=True):
        agree(mine, other, scale)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision(solution, dtype):
    """One rounding of the output, none of the lse."""
    q, k, v = (x.to(dtype) for x in drawn((2, 3, 9, 33, 64, 0, 0), torch.float32))
    out, lse = solution("flash_attention").flash_attention(q * 8, k, v, 4, 8, True)
    right, log = theirs(q.double() * 8, k.double(), v.double(), allowed_by(True, 9, 33))
    assert (out.dtype, lse.dtype) == (dtype, torch.float32)
    assert float(((out.double() - right) / v.double().abs().amax()).abs().max()) < torch.finfo(dtype).eps
    assert float(((lse.double() - log) / log.abs().amax()).abs().max()) < 8 * torch.finfo(torch.float32).eps
