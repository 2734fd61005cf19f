"""elu and its backward against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64]


def numbers(shape, dtype, scale=1.0):
    """Random numbers, every third of them 0 or −0."""
    return (torch.randn(shape, dtype=dtype) * torch.randint(-1, 2, shape)) * scale


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("alpha", [1.0, 0.3, 2.0])
@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1.0, 80.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, pulled, shape, scale, alpha, dtype):
    elu = solution("elu")
    x = numbers(shape, dtype, scale)
    ours = pulled(lambda x: elu.elu(x, alpha), [x])
    theirs = pulled(lambda x: F.elu(x, alpha), [x])
    agree(ours[0], theirs[0], theirs[0].abs())
    agree(ours[1], theirs[1], 3 * max(alpha, 1.0))  # autograd makes exp(x) of expm1(x) + 1
    y, cotangent = theirs[0].detach(), torch.randn(shape, dtype=dtype)
    right = torch.ops.aten.elu_backward(cotangent, alpha, 1, 1, True, y)
    agree(elu.elu_backward(cotangent, y, alpha), right, cotangent.abs() * max(alpha, 1.0), units=4.0)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float16, torch.bfloat16], ids=str)
def test_special_values(solution, agree, dtype):
    x = torch.tensor([torch.nan, torch.inf, -torch.inf, 1000.0, -1000.0, 0.0, -0.0], dtype=dtype)
    agree(solution("elu").elu(x, 1.5), F.elu(x, 1.5), 0.0, units=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(solution, agree, dtype):
    elu = solution("elu")
    x, cotangent = ((torch.randn(4099) * 3).to(dtype) for _ in range(2))
    right = F.elu(x.float(), 0.7)
    agree(elu.elu(x, 0.7), right.to(dtype), right.abs(), units=2.0)
    y = right.to(dtype)
    right = torch.ops.aten.elu_backward(cotangent.float(), 0.7, 1, 1, True, y.float())
    agree(elu.elu_backward(cotangent, y, 0.7), right.to(dtype), right.abs(), units=2.0)


@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_derivatives(solution, alpha):
    x = (torch.randn(9).double().sign() * (0.1 + torch.rand(9))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: solution("elu").elu(x, alpha), (x,))
