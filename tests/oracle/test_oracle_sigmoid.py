"""sigmoid and its backward against torch's own."""

from __future__ import annotations

import pytest
import torch

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 10.0, 80.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(solution, agree, dtype, scale, shape):
    x = (torch.rand(shape, dtype=dtype) * 2 - 1) * scale
    right = torch.sigmoid(x)
    agree(solution("sigmoid").sigmoid(x), right, right)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients(solution, agree, pulled, dtype, shape):
    sigmoid = solution("sigmoid")
    x = torch.randn(shape, dtype=dtype) * 3
    cotangent = torch.randn(shape, dtype=dtype)
    y = torch.sigmoid(x)
    right = torch.ops.aten.sigmoid_backward(cotangent, y)
    # y is rounded, and 1 − y with it
    agree(sigmoid.sigmoid_backward(cotangent, y), right, cotangent.abs() * y, units=4.0)
    for ours, theirs in zip(pulled(sigmoid.sigmoid, [x]), pulled(torch.sigmoid, [x]), strict=True):
        agree(ours, theirs, 1.0)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float16, torch.bfloat16], ids=str)
def test_special_values(solution, agree, dtype):
    x = torch.tensor([torch.nan, torch.inf, -torch.inf, 1000.0, -1000.0, 0.0, -0.0], dtype=dtype)
    agree(solution("sigmoid").sigmoid(x), torch.sigmoid(x), 1.0, units=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(solution, agree, dtype):
    sigmoid = solution("sigmoid")
    x, cotangent = ((torch.randn(4099) * 3).to(dtype) for _ in range(2))
    right = torch.sigmoid(x.float())
    agree(sigmoid.sigmoid(x), right.to(dtype), right, units=2.0)
    y = right.to(dtype)
    right = torch.ops.aten.sigmoid_backward(cotangent.float(), y.float())
    agree(sigmoid.sigmoid_backward(cotangent, y), right.to(dtype), right.abs(), units=2.0)


def test_derivatives(solution):
    sigmoid = solution("sigmoid").sigmoid
    x = torch.cat((torch.zeros(1), torch.randn(9) * 2)).double().requires_grad_()
    assert torch.autograd.gradcheck(sigmoid, (x,))
