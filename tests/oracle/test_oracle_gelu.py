"""gelu against torch's own, both forms, and against the GELUs of transformers."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [(), (1,), (17,), (3, 5), (2, 3, 7), (0, 4)]
DTYPES = [torch.float32, torch.float64]
FORMS = ["none", "tanh"]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("approximate", FORMS)
@pytest.mark.parametrize("scale", [1e-20, 1.0, 5.0, 200.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, pulled, shape, scale, approximate, dtype):
    x = torch.randn(shape, dtype=dtype) * scale
    ours = pulled(lambda x: solution("gelu").gelu(x, approximate), [x])
    theirs = pulled(lambda x: F.gelu(x, approximate=approximate), [x])
    agree(ours[0], theirs[0], x.abs())  # 1 + erf(…) is as exact as 1
    # the slope has x · φ(x), whose exponent x² / 2 is rounded; nobody's cotangent is beyond 4
    agree(ours[1], theirs[1], 4 * (1 + x.abs() * (1 + x * x) * torch.exp(-x * x / 2)))


@pytest.mark.parametrize(
    ("approximate", "name"), [("none", "gelu"), ("tanh", "gelu_new"), ("tanh", "gelu_pytorch_tanh")]
)
def test_transformers(solution, library, agree, approximate, name):
    x = torch.randn(33) * 2
    right = library("transformers.activations").ACT2FN[name](x)
    agree(solution("gelu").gelu(x, approximate), right, x.abs())


@pytest.mark.parametrize("approximate", FORMS)
@pytest.mark.parametrize("dtype", [*DTYPES, torch.float16, torch.bfloat16], ids=str)
def test_special_values(solution, agree, dtype, approximate):
    x = torch.tensor([torch.nan, 1000.0, -1000.0, 0.0, -0.0], dtype=dtype)
    agree(solution("gelu").gelu(x, approximate), F.gelu(x, approximate=approximate), 0.0, units=0.0)


@pytest.mark.parametrize("approximate", FORMS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(solution, agree, dtype, approximate):
    x = torch.randn(4099).clamp(min=-2.0).to(dtype)
    right = F.gelu(x.float(), approximate=approximate)
    agree(solution("gelu").gelu(x, approximate), right.to(dtype), right.abs(), units=2.0)


@pytest.mark.parametrize("approximate", FORMS)
def test_derivatives(solution, approximate):
    x = torch.cat((torch.zeros(1), torch.randn(9) * 2)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: solution("gelu").gelu(x, approximate), (x,))


def test_no_other_form(solution):
    with pytest.raises(ValueError, match="approximate"):
        solution("gelu").gelu(torch.zeros(1), "erf")
