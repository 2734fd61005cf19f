"""kl-div against torch's own, which has the direction in the order of its arguments, and torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

pytestmark = pytest.mark.filterwarnings("ignore:reduction. .mean. divides:UserWarning")
DTYPES = [torch.float32, torch.float64]
REDUCTIONS = ["none", "sum", "mean", "batchmean"]


def torchs(p, q, direction, reduction):
    log_p, log_q = p.log_softmax(-1), q.log_softmax(-1)
    if direction == "reverse":
        log_p, log_q = log_q, log_p
    return F.kl_div(log_q, log_p, reduction=reduction, log_target=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(1, 2), (4, 7), (2, 3, 129), (3, 1, 2, 5)], ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, shape, reduction, direction, dtype):
    given = [torch.randn(shape, dtype=dtype) for _ in range(2)]
    ours = lambda p, q: solution("kl_div").kl_div(p, q, direction, reduction)  # noqa: E731
    theirs = lambda p, q: torchs(p, q, direction, reduction)  # noqa: E731
    scales = conditioning(lambda p, q: pulled(theirs, [p, q]), given)
    for mine, right, scale in zip(pulled(ours, given), pulled(theirs, given), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_distributions(solution, agree, dtype):
    p, q = (torch.randn(6, 9, dtype=dtype) for _ in range(2))
    p[:, 1::3] = -torch.inf
    first, second = (torch.distributions.Categorical(probs=logits.softmax(-1)) for logits in (p, q))
    right = torch.distributions.kl_divergence(first, second).sum()
    # its logarithms are clamped to a roundoff from 0 and 1
    agree(solution("kl_div").kl_div(p, q, reduction="sum"), right, 6 * 9.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [30.0, 1e3])
def test_large_logits(solution, agree, pulled, scale, dtype):
    given = [torch.randn(5, 6, dtype=dtype) * scale for _ in range(2)]
    found = pulled(lambda p, q: solution("kl_div").kl_div(p, q), given)
    right = pulled(lambda p, q: torchs(p, q, "forward", "batchmean"), given)
    for mine, theirs in zip(found, right, strict=True):
        agree(mine, theirs, 8 * scale)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_zeros(solution, direction):
    p, q = torch.randn(2, 4, 6, dtype=torch.float64).unbind()
    p[:, ::2] = q[:, ::2] = -torch.inf
    kept = [logits[:, 1::2].clone().requires_grad_() for logits in (p, q)]
    whole = [logits.clone().requires_grad_() for logits in (p, q)]
    kl_div = solution("kl_div").kl_div
    a, b = kl_div(*whole, direction), kl_div(*kept, direction)
    torch.testing.assert_close(a, b)
    for gradient, right in zip(torch.autograd.grad(a, whole), torch.autograd.grad(b, kept), strict=True):
        torch.testing.assert_close(gradient[:, 1::2], right)
        assert not gradient[:, ::2].any()


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_derivatives(solution, direction):
    given = [torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda p, q: solution("kl_div").kl_div(p, q, direction), given)
