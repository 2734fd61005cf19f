"""focal-loss against the one of transformers' detectors, and for γ = 0 against weighted cross-entropy."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

DTYPES = [torch.float32, torch.float64]


def drawn(shape, dtype, scale=2.0):
    return torch.randn(shape, dtype=dtype) * scale, (torch.rand(shape) < 0.4).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.7, 3.0), (0.5, 0.5), (None, 1.0)])
@pytest.mark.parametrize("shape", [(1, 1), (6, 5), (40, 7)], ids=str)
def test_transformers(solution, library, agree, conditioning, pulled, shape, alpha, gamma, dtype):
    theirs_of = library("transformers.loss.loss_for_object_detection").sigmoid_focal_loss
    logits, target = drawn(shape, dtype)
    ours = lambda x: solution("focal_loss").focal_loss(x, target, alpha, gamma)  # noqa: E731
    # it averages over dimension 1 and divides the sum of the rest by a number of boxes; a negative alpha is none
    theirs = lambda x: theirs_of(x, target, len(x), -1.0 if alpha is None else alpha, gamma)  # noqa: E731
    scales = conditioning(lambda x: pulled(theirs, [x]), [logits])
    for mine, right, scale in zip(pulled(ours, [logits]), pulled(theirs, [logits]), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(), (9,), (3, 4, 5)], ids=str)
def test_gamma_0_is_cross_entropy(solution, agree, conditioning, pulled, shape, alpha, reduction, dtype):
    logits, target = drawn(shape, dtype)
    weight = None if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    ours = lambda x: solution("focal_loss").focal_loss(x, target, alpha, 0.0, reduction)  # noqa: E731
    theirs = lambda x: F.binary_cross_entropy_with_logits(x, target, weight, reduction=reduction)  # noqa: E731
    scales = conditioning(lambda x: pulled(theirs, [x]), [logits])
    for mine, right, scale in zip(pulled(ours, [logits]), pulled(theirs, [logits]), scales, strict=True):
        agree(mine, right, scale + logits.abs().max().double())  # torch subtracts x · y from x


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_derivatives(solution, gamma):
    logits, target = drawn((3, 4), torch.float64)
    ours = lambda x: solution("focal_loss").focal_loss(x, target, gamma=gamma)  # noqa: E731
    assert torch.autograd.gradcheck(ours, (logits.requires_grad_(),))
