"""tanh and its backward against torch's own."""

from __future__ import annotations

import pytest
import torch

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1.0, 80.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(solution, agree, dtype, scale, shape):
    x = (torch.rand(shape, dtype=dtype) * 2 - 1) * scale
    right = torch.tanh(x)
    agree(solution("tanh").tanh(x), right, right.abs())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients(solution, agree, pulled, dtype, shape):
    tanh = solution("tanh")
    x = torch.randn(shape, dtype=dtype) * 3
    cotangent = torch.randn(shape, dtype=dtype)
    y = torch.tanh(x)
    right = torch.ops.aten.tanh_backward(cotangent, y)
    agree(tanh.tanh_backward(cotangent, y), right, cotangent.abs(), units=4.0)
    for ours, theirs in zip(pulled(tanh.tanh, [x]), pulled(torch.tanh, [x]), strict=True):
        agree(ours, theirs, 1.0)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float16, torch.bfloat16], ids=str)
def test_special_values(solution, agree, dtype):
    x = torch.tensor([torch.nan, torch.inf, -torch.inf, 1000.0, -1000.0, 0.0, -0.0], dtype=dtype)
    agree(solution("tanh").tanh(x), torch.tanh(x), 1.0, units=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(solution, agree, dtype):
    tanh = solution("tanh")
    x, cotangent = ((torch.randn(4099) * 3).to(dtype) for _ in range(2))
    right = torch.tanh(x.float())
    agree(tanh.tanh(x), right.to(dtype), right.abs(), units=2.0)
    y = right.to(dtype)
    right = torch.ops.aten.tanh_backward(cotangent.float(), y.float())
    agree(tanh.tanh_backward(cotangent, y), right.to(dtype), right.abs(), units=2.0)


def test_derivatives(solution):
    tanh = solution("tanh").tanh
    x = torch.cat((torch.zeros(1), torch.randn(9) * 2)).double().requires_grad_()
    assert torch.autograd.gradcheck(tanh, (x,))
