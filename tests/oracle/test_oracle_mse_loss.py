"""mse-loss against torch's own, and against scikit-learn's; a mask is a selection of elements for both."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

DTYPES = [torch.float32, torch.float64]
REDUCTIONS = ["none", "sum", "mean"]
SHAPES = [(), (1,), (17,), (4, 5), (3, 1, 6), (2, 3, 129)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, shape, reduction, dtype):
    given = [torch.randn(shape, dtype=dtype) for _ in range(2)]
    ours = lambda p, t: solution("mse_loss").mse_loss(p, t, reduction)  # noqa: E731
    theirs = lambda p, t: F.mse_loss(p, t, reduction=reduction)  # noqa: E731
    scales = conditioning(lambda p, t: pulled(theirs, [p, t]), given)
    for mine, right, scale in zip(pulled(ours, given), pulled(theirs, given), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("mask_shape", [(3, 4, 5), (3, 4, 1), (5,), (1, 4, 5)], ids=str)
def test_mask(solution, agree, conditioning, pulled, mask_shape, reduction, dtype):
    given = [torch.randn(3, 4, 5, dtype=dtype) for _ in range(2)]
    mask = torch.rand(mask_shape) < 0.7
    mask.view(-1)[0] = True
    every = mask.expand(3, 4, 5)
    ours = lambda p, t: solution("mse_loss").mse_loss(p, t, reduction, mask)  # noqa: E731
    theirs = lambda p, t: F.mse_loss(p[every], t[every], reduction=reduction)  # noqa: E731
    scales = conditioning(lambda p, t: pulled(theirs, [p, t]), given)
    right = pulled(theirs, given)
    for value in given:
        value[~every] = torch.nan
    for mine, other, scale in zip(pulled(ours, given), right, scales, strict=True):
        agree(mine, other, scale)


@pytest.mark.parametrize("shape", [(9,), (6, 4)], ids=str)
def test_scikit_learn(solution, library, agree, shape):
    p, t = torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    right = torch.tensor(library("sklearn.metrics").mean_squared_error(t.numpy(), p.numpy()), dtype=torch.float64)
    agree(solution("mse_loss").mse_loss(p, t), right, right)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_half_precision_is_rounded_once(solution, agree, reduction, dtype):
    p, t = (torch.randn(64, 9) * 30).to(dtype), (torch.randn(64, 9) * 30).to(dtype)
    right = F.mse_loss(p.double(), t.double(), reduction=reduction)
    agree(solution("mse_loss").mse_loss(p, t, reduction), right.to(dtype), right.abs() + 1e-3, units=2.0)


def test_nothing_counts(solution, pulled):
    given = [torch.full((2, 3), torch.nan) for _ in range(2)]
    mask = torch.zeros(2, 3, dtype=torch.bool)
    for value in pulled(lambda p, t: solution("mse_loss").mse_loss(p, t, mask=mask), given):
        assert not value.any()


def test_derivatives(solution):
    given = [torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    mask = torch.rand(3, 1) < 0.6
    assert torch.autograd.gradcheck(lambda p, t: solution("mse_loss").mse_loss(p, t, mask=mask), given)
