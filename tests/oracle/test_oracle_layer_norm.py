"""LayerNorm against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

SHAPES = [  # x, normalized_shape
    ((1,), 1),
    ((7,), (7,)),
    ((3, 5), 5),
    ((2, 3, 129), 129),
    ((4, 2, 6), (2, 6)),
    ((2, 3, 1, 17), (3, 1, 17)),
]
DTYPES = [torch.float32, torch.float64]


def pair(solution, shape, normalized, dtype, eps=1e-5):
    """The reference and torch's layer, with the same random parameters, and an input."""
    ours = solution("layer_norm").LayerNorm(normalized, eps).to(dtype)
    theirs = nn.LayerNorm(normalized, eps).to(dtype)
    for p in ours.parameters():
        nn.init.normal_(p)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs, torch.randn(shape, dtype=dtype)


def called(layer):
    return lambda x, weight, bias: torch.func.functional_call(layer, {"weight": weight, "bias": bias}, x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize("scale", [1.0, 3e-3, 1e3])
@pytest.mark.parametrize(("shape", "normalized"), SHAPES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, shape, normalized, scale, eps, dtype):
    ours, theirs, x = pair(solution, shape, normalized, dtype, eps)
    inputs = [x * scale, *(p.detach() for p in ours.parameters())]
    scales = conditioning(lambda *values: pulled(called(ours), values), inputs)
    for mine, right, size in zip(pulled(called(ours), inputs), pulled(called(theirs), inputs), scales, strict=True):
        agree(mine, right, size)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("offset", [1e4, -1e4])
def test_a_mean_far_from_zero(solution, agree, conditioning, offset, dtype):
    ours, theirs, x = pair(solution, (3, 65), 65, dtype)
    x = x + offset
    agree(
        ours(x),
        theirs(x),
        *conditioning(lambda x: [called(ours)(x, *(p.detach().double() for p in ours.parameters()))], [x]),
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_half_precision(solution, agree, scale, dtype):
    ours, theirs, x = pair(solution, (4, 129), 129, dtype)
    x = (x * scale + scale).to(dtype)
    right = theirs(x)
    assert ours(x).dtype is dtype
    agree(ours(x), right, right.abs() + ours.bias.abs() + (right - ours.bias).abs(), units=4.0)


def test_equal_entries_give_the_bias(solution):
    ours, _, _ = pair(solution, (3, 8), 8, torch.float32)
    assert torch.equal(ours(torch.full((3, 8), 3.25)), ours.bias.expand(3, 8))


@pytest.mark.parametrize(("shape", "normalized"), [((3, 5), 5), ((2, 2, 3), (2, 3))], ids=str)
def test_derivatives(solution, shape, normalized):
    ours, _, x = pair(solution, shape, normalized, torch.float64)
    inputs = [value.detach().requires_grad_() for value in (x, *ours.parameters())]
    assert torch.autograd.gradcheck(called(ours), inputs)
