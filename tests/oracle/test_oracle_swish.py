"""swish and its backward against torch's own SiLU: swish(x, beta) = silu(beta · x) / beta."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("beta", [1.0, 2.0, 0.5, -0.25])  # powers of two, so that beta · x is exact
@pytest.mark.parametrize("scale", [1e-20, 1.0, 30.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, pulled, shape, scale, beta, dtype):
    swish = solution("swish")
    x, cotangent = torch.randn(shape, dtype=dtype) * scale, torch.randn(shape, dtype=dtype)
    ours = pulled(lambda x: swish.swish(x, beta), [x])
    theirs = pulled(lambda x: F.silu(beta * x) / beta, [x])
    agree(ours[0], theirs[0], theirs[0].abs())
    # s and beta · x · s · (1 − s), which cancel near the dip; nobody's cotangent is beyond 4
    scales = torch.sigmoid(beta * x) * (1 + (beta * x).abs())
    agree(ours[1], theirs[1], 4 * scales)
    right = torch.ops.aten.silu_backward(cotangent, beta * x)
    agree(swish.swish_backward(cotangent, x, beta), right, cotangent.abs() * scales)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float16, torch.bfloat16], ids=str)
def test_special_values(solution, agree, dtype):
    x = torch.tensor([torch.nan, torch.inf, 1000.0, -1000.0, 0.0, -0.0], dtype=dtype)
    agree(solution("swish").swish(x), F.silu(x), 0.0, units=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(solution, agree, dtype):
    swish = solution("swish")
    x, cotangent = (torch.randn(4099).to(dtype) for _ in range(2))
    right = F.silu(x.float())
    agree(swish.swish(x), right.to(dtype), right.abs(), units=2.0)
    right = torch.ops.aten.silu_backward(cotangent.float(), x.float())
    agree(swish.swish_backward(cotangent, x), right.to(dtype), right.abs() + 1e-4, units=2.0)


@pytest.mark.parametrize("beta", [1.0, -1.7, 0.0])
def test_derivatives(solution, beta):
    x = torch.cat((torch.zeros(1), torch.randn(9) * 2)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: solution("swish").swish(x, beta), (x,))
