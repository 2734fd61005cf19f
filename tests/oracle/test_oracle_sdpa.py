"""Scaled dot-product attention against torch's fused one, given the mask: its is_causal is aligned at the top left."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SIZES = [  # batch, heads, q_len, kv_len, head_dim, v_dim
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 7, 4, 6),
    (1, 2, 7, 4, 8, 8),
    (2, 1, 1, 33, 16, 4),
    (1, 2, 17, 17, 8, 3),
]
DTYPES = [torch.float32, torch.float64]


def drawn(size, dtype):
    batch, heads, q_len, kv_len, head_dim, v_dim = size
    shapes = ((q_len, head_dim), (kv_len, head_dim), (kv_len, v_dim))
    return [torch.randn(batch, heads, *shape, dtype=dtype) for shape in shapes]


def allowed_by(mask, is_causal, q_len, kv_len):
    allowed = torch.ones(q_len, kv_len, dtype=torch.bool)
    if is_causal:
        allowed = torch.arange(kv_len) <= torch.arange(kv_len - q_len, kv_len)[:, None]
    return allowed if mask is None else allowed & mask


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("masked", ["", "any", "keys", "dead"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, size, masked, is_causal, dtype):
    scale = 0.3 if is_causal else None
    batch, _, q_len, kv_len, _, _ = size
    mask = None
    if masked:
        mask = torch.rand(batch, 1, 1 if masked == "keys" else q_len, kv_len) < 0.6
        if masked == "dead":
            mask[:, :, 0] = False
    attention = solution("sdpa").scaled_dot_product_attention

    def ours(q, k, v):
        return attention(q, k, v, mask, is_causal, scale)

    def theirs(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, allowed_by(mask, is_causal, q_len, kv_len), scale=scale)

    inputs = drawn(size, dtype)
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale_ in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale_)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_square_causal_as_torch_has_it(solution, agree, dtype):
    q, k, v = drawn((2, 3, 9, 9, 8, 8), dtype)
    mine = solution("sdpa").scaled_dot_product_attention(q, k, v, is_causal=True)
    agree(mine, F.scaled_dot_product_attention(q, k, v, is_causal=True), v.abs().amax())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision(solution, dtype):
    """One rounding of the result, and nothing else."""
    q, k, v = (x.to(dtype) for x in drawn((2, 3, 5, 17, 64, 8), torch.float32))
    found = solution("sdpa").scaled_dot_product_attention(q * 8, k, v)
    right = F.scaled_dot_product_attention(q.double() * 8, k.double(), v.double())
    assert found.dtype == dtype
    assert float(((found.double() - right) / v.double().abs().amax()).abs().max()) < torch.finfo(dtype).eps


@pytest.mark.parametrize("is_causal", [False, True], ids=["dead", "causal"])
def test_derivatives(solution, is_causal):
    q, k, v = (x.requires_grad_() for x in drawn((2, 2, 4, 3, 2, 2), torch.float64))
    mask = torch.rand(2, 1, 4, 3) < 0.6
    mask[0, :, 2] = False
    call = solution("sdpa").scaled_dot_product_attention
    assert torch.autograd.gradcheck(lambda *values: call(*values, mask, is_causal), (q, k, v))
