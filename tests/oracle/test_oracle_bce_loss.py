"""bce-loss against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

DTYPES = [torch.float32, torch.float64]
REDUCTIONS = ["none", "sum", "mean"]
SHAPES = [((), ()), ((7,), None), ((4, 5), (5,)), ((3, 4), (3, 1)), ((2, 3, 129), (129,)), ((5, 2), (5, 2))]


def drawn(shape, dtype, scale=2.0):
    logits, target = torch.randn(shape, dtype=dtype) * scale, torch.rand(shape, dtype=dtype)
    return logits, target.masked_fill(target > 0.7, 1.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "weights"), SHAPES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, shape, weights, reduction, dtype):
    logits, target = drawn(shape, dtype)
    pos_weight = None if weights is None else torch.rand(weights, dtype=dtype) * 3 + 0.5
    ours = lambda x: solution("bce_loss").bce_with_logits(x, target, pos_weight, reduction)  # noqa: E731
    theirs = lambda x: F.binary_cross_entropy_with_logits(  # noqa: E731
        x, target, pos_weight=pos_weight, reduction=reduction
    )
    scales = conditioning(lambda x: pulled(ours, [x]), [logits])
    for mine, right, scale in zip(pulled(ours, [logits]), pulled(theirs, [logits]), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [0.0, 30.0, 1e3, 1e4])
def test_large_logits_and_logits_of_0(solution, agree, pulled, scale, dtype):
    logits, target = drawn((4, 6), dtype, scale)
    found = pulled(lambda x: solution("bce_loss").bce_with_logits(x, target, reduction="none"), [logits])
    right = pulled(lambda x: F.binary_cross_entropy_with_logits(x, target, reduction="none"), [logits])
    # torch subtracts x · y from x, so that what is left is known to a roundoff of x
    for mine, theirs, size in zip(found, right, (logits.abs() + 1, 4.0), strict=True):
        agree(mine, theirs, size)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_half_precision_is_rounded_once(solution, agree, reduction, dtype):
    logits, target = drawn((64, 9), dtype)
    right = F.binary_cross_entropy_with_logits(logits.double(), target.double(), reduction=reduction)
    ours = solution("bce_loss").bce_with_logits(logits, target, reduction=reduction)
    agree(ours, right.to(dtype), right.abs(), units=2.0)


def test_derivatives(solution):
    logits, target = drawn((3, 4), torch.float64)
    weight = torch.rand(4, dtype=torch.float64) + 0.5
    ours = lambda x: solution("bce_loss").bce_with_logits(x, target, weight)  # noqa: E731
    assert torch.autograd.gradcheck(ours, (logits.requires_grad_(),))
