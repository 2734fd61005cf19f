"""cross-entropy against torch's own.

Where every target is ignored torch's mean is 0 / 0 and the exercise's is 0; everything else agrees.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

DTYPES = [torch.float32, torch.float64]
REDUCTIONS = ["none", "sum", "mean"]


def drawn(batch, classes, dtype, ignore_index, scale=2.0):
    logits, target = torch.randn(batch, classes, dtype=dtype) * scale, torch.randint(0, classes, (batch,))
    target[1::3] = ignore_index
    return logits, target


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize(("batch", "classes", "ignore_index"), [(1, 2, -100), (5, 3, 1), (7, 17, 255), (4, 1, -1)])
def test_values_and_gradients(
    solution, agree, conditioning, pulled, batch, classes, ignore_index, label_smoothing, reduction, dtype
):
    logits, target = drawn(batch, classes, dtype, ignore_index)
    if ignore_index == 1:
        target[0] = 0  # one that counts
    options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "reduction": reduction}
    ours = lambda x: solution("cross_entropy").cross_entropy(x, target, **options)  # noqa: E731
    theirs = lambda x: F.cross_entropy(x, target, **options)  # noqa: E731
    scales = conditioning(lambda x: pulled(theirs, [x]), [logits])
    for mine, right, scale in zip(pulled(ours, [logits]), pulled(theirs, [logits]), scales, strict=True):
        agree(mine, right, scale + 1)  # a single class has the loss 0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [30.0, 1e3, 1e4])
def test_large_logits(solution, agree, pulled, scale, dtype):
    logits, target = drawn(9, 6, dtype, -100, scale)
    found = pulled(lambda x: solution("cross_entropy").cross_entropy(x, target, reduction="none"), [logits])
    right = pulled(lambda x: F.cross_entropy(x, target, reduction="none"), [logits])
    agree(found[0], right[0], logits.abs().amax())
    agree(found[1], right[1], logits.abs().amax())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_banned_classes(solution, agree, pulled, dtype):
    logits, target = drawn(6, 8, dtype, -100)
    logits[:, 1::2], target = -torch.inf, target - target % 2
    found = pulled(lambda x: solution("cross_entropy").cross_entropy(x, target), [logits])
    right = pulled(lambda x: F.cross_entropy(x, target), [logits])
    for mine, theirs in zip(found, right, strict=True):
        agree(mine, theirs, 10.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_half_precision_is_rounded_once(solution, agree, reduction, dtype):
    logits, target = drawn(64, 129, dtype, -100)
    right = F.cross_entropy(logits.float(), target, reduction=reduction)
    # half a spacing for the last rounding, on both sides
    found = solution("cross_entropy").cross_entropy(logits, target, reduction=reduction)
    agree(found, right.to(dtype), right.abs(), units=2.0)


def test_all_ignored(solution, pulled):
    logits, target = torch.randn(3, 4), torch.full((3,), -100)
    assert F.cross_entropy(logits, target).isnan()
    loss, gradient = pulled(lambda x: solution("cross_entropy").cross_entropy(x, target), [logits])
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_derivatives(solution, label_smoothing):
    logits, target = drawn(4, 5, torch.float64, -100)
    ours = lambda x: solution("cross_entropy").cross_entropy(x, target, label_smoothing=label_smoothing)  # noqa: E731
    assert torch.autograd.gradcheck(ours, (logits.requires_grad_(),))
