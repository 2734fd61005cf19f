"""relu and its backward against torch's own; all numbers are exact."""

from __future__ import annotations

import pytest
import torch

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def numbers(shape, dtype):
    """Random numbers, every third of them 0 or −0."""
    x = torch.randn(shape) * torch.randint(-1, 2, shape)
    return x.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, pulled, dtype, shape):
    relu = solution("relu")
    x, cotangent = numbers(shape, dtype), torch.randn(shape).to(dtype)
    for ours, theirs in zip(pulled(relu.relu, [x]), pulled(torch.relu, [x]), strict=True):
        agree(ours, theirs, 0.0, units=0.0)
    right = torch.ops.aten.threshold_backward(cotangent, x, 0)
    agree(relu.relu_backward(cotangent, x), right, 0.0, units=0.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_special_values(solution, agree, dtype):
    x = torch.tensor([torch.nan, torch.inf, -torch.inf, torch.finfo(dtype).max, torch.finfo(dtype).tiny, 0.0, -0.0]).to(
        dtype
    )
    agree(solution("relu").relu(x), torch.relu(x), 0.0, units=0.0)


def test_derivatives(solution):
    x = (torch.randn(9).double().sign() * (0.1 + torch.rand(9))).requires_grad_()
    assert torch.autograd.gradcheck(solution("relu").relu, (x,))
