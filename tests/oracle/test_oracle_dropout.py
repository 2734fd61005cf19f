"""Dropout against torch's own, whose mask becomes ours as numbers on either side of p; and its expectation."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [(), (7,), (3, 5), (2, 3, 4, 5)]
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def uniforms_of(kept, p):
    """Numbers that keep what `kept` keeps."""
    draw = torch.rand(kept.shape)
    return torch.where(kept, (p + draw * (1 - p)).clamp(p, 1.0), draw * p * 0.999)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.125, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, pulled, shape, p, dtype):
    dropout = solution("dropout").dropout
    x = torch.rand(shape, dtype=dtype) + 0.5
    torch.manual_seed(1)
    _, kept = torch.native_dropout(x, p, True)
    uniforms = uniforms_of(kept, p)

    def theirs(x):
        torch.manual_seed(1)
        return torch.native_dropout(x, p, True)[0]

    for mine, right in zip(pulled(lambda x: dropout(x, uniforms, p), [x]), pulled(theirs, [x]), strict=True):
        agree(mine, right, right.abs(), units=4.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_evaluation(solution, p, dtype):
    x = torch.randn(3, 5).to(dtype)
    assert torch.equal(solution("dropout").dropout(x, torch.rand(3, 5), p, training=False), F.dropout(x, p, False))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_expectation_is_x(solution, p):
    """Over evenly spaced numbers the mean is exact but for one of them."""
    n = 1000
    uniforms = torch.arange(n, dtype=torch.float32) / n
    mean = solution("dropout").dropout(torch.ones(n), uniforms, p).mean().item()
    assert abs(mean - 1) < 2 / (n * (1 - p))


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_no_probability(solution, p):
    for refused in (solution("dropout").dropout, F.dropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            refused(torch.ones(2), torch.rand(2), p) if refused is not F.dropout else refused(torch.ones(2), p)
