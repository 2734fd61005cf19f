"""The hand-written gradient of cross-entropy against torch's autograd through its own loss."""

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


def gradients(solution, logits, target, **options):
    """Ours and torch's, for a random gradient of the loss."""
    leaf = logits.clone().requires_grad_()
    loss = F.cross_entropy(leaf, target, **options)
    grad_out = torch.randn(loss.shape, dtype=loss.dtype)
    ours = solution("cross_entropy_backward").cross_entropy_backward(grad_out, logits, target, **options)
    return ours, torch.autograd.grad(loss, leaf, grad_out)[0], grad_out.abs().amax()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize(("batch", "classes", "ignore_index"), [(1, 2, -100), (5, 3, 1), (7, 17, 255), (4, 1, -1)])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_gradients(solution, agree, scale, batch, classes, ignore_index, label_smoothing, reduction, dtype):
    logits, target = drawn(batch, classes, dtype, ignore_index, scale)
    if ignore_index == 1:
        target[0] = 0  # one that counts
    options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "reduction": reduction}
    ours, theirs, size = gradients(solution, logits, target, **options)
    # a probability moves by u times the distance of its logit from the maximum, which is what exp makes of its rounding
    distance = (logits.amax(-1, keepdim=True) - logits).double()
    agree(ours, theirs, size * (1 + distance * logits.double().softmax(-1)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_banned_classes(solution, agree, dtype):
    logits, target = drawn(6, 8, dtype, -100)
    logits[:, 1::2], target = -torch.inf, target - target % 2
    ours, theirs, size = gradients(solution, logits, target)
    agree(ours, theirs, 4 * size)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_all_ignored(solution, reduction, dtype):
    ours, theirs, _ = gradients(solution, torch.randn(3, 4, dtype=dtype), torch.full((3,), -100), reduction=reduction)
    assert not ours.any()
    assert torch.equal(ours, theirs) or theirs.isnan().any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_half_precision_is_rounded_once(solution, agree, reduction, dtype):
    logits, target = drawn(33, 65, dtype, -100)
    leaf = logits.double().requires_grad_()
    loss = F.cross_entropy(leaf, target, reduction=reduction)
    right = torch.autograd.grad(loss, leaf, torch.ones_like(loss))[0]
    grad_out = torch.ones(loss.shape, dtype=dtype)
    ours = solution("cross_entropy_backward").cross_entropy_backward(grad_out, logits, target, reduction=reduction)
    # half a spacing for the last rounding on both sides, and the smallest normal number below which it is absolute
    agree(ours, right.to(dtype), right.abs() + torch.finfo(dtype).tiny, units=2.5)
