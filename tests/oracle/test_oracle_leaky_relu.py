"""leaky_relu and its backward against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def numbers(shape, dtype):
    """Random numbers, every third of them 0 or −0."""
    return (torch.randn(shape) * torch.randint(-1, 2, shape)).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("slope", [0.01, 0.3, 2.0, -0.75, 0.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, pulled, slope, dtype, shape):
    leaky = solution("leaky_relu")
    x, cotangent = numbers(shape, dtype), torch.randn(shape).to(dtype)
    ours = pulled(lambda x: leaky.leaky_relu(x, slope), [x])
    theirs = pulled(lambda x: F.leaky_relu(x, slope), [x])
    right = torch.ops.aten.leaky_relu_backward(cotangent, x, slope, False)
    for mine, other in zip([*ours, leaky.leaky_relu_backward(cotangent, x, slope)], [*theirs, right], strict=True):
        agree(mine, other, other.abs(), units=2.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_special_values(solution, agree, dtype):
    x = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, -0.0], dtype=dtype)
    agree(solution("leaky_relu").leaky_relu(x), F.leaky_relu(x), 0.0, units=0.0)


@pytest.mark.parametrize("slope", [0.01, 2.0])
def test_derivatives(solution, slope):
    x = (torch.randn(9).double().sign() * (0.1 + torch.rand(9))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: solution("leaky_relu").leaky_relu(x, slope), (x,))
