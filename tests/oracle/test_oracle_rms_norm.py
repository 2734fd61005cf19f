"""RMSNorm against torch's own and Llama's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

SHAPES = [(1,), (7,), (3, 5), (2, 3, 129), (2, 3, 4, 16)]
DTYPES = [torch.float32, torch.float64]


def layers(solution, other, dim, dtype, eps=1e-6):
    """The reference and another layer, with the same random weight."""
    ours, theirs = solution("rms_norm").RMSNorm(dim, eps).to(dtype), other(dim, eps=eps).to(dtype)
    nn.init.normal_(ours.weight)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def called(layer):
    return lambda x, weight: torch.func.functional_call(layer, {"weight": weight}, x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("eps", [1e-6, 0.5])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, shape, scale, eps, dtype):
    ours, theirs = layers(solution, nn.RMSNorm, shape[-1], dtype, eps)
    inputs = [torch.randn(shape, dtype=dtype) * scale, ours.weight.detach()]
    scales = conditioning(lambda *values: pulled(called(ours), values), inputs)
    for mine, right, size in zip(pulled(called(ours), inputs), pulled(called(theirs), inputs), scales, strict=True):
        agree(mine, right, size)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e-3, 300.0])
def test_llama(solution, library, agree, scale, dtype):
    """Llama rounds the normalised vector to the dtype of x before the weight multiplies: one rounding more."""
    llama = library("transformers.models.llama.modeling_llama").LlamaRMSNorm
    ours, theirs = layers(solution, llama, 129, dtype)
    x = (torch.randn(4, 129) * scale).to(dtype)
    agree(ours(x), theirs(x), theirs(x).abs(), units=4.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_float32_weight_does_not_change_the_dtype(solution, agree, dtype):
    ours, theirs = layers(solution, nn.RMSNorm, 33, torch.float32)
    x = torch.randn(4, 33).to(dtype)
    assert ours(x).dtype is dtype
    agree(ours(x), theirs(x.float()).to(dtype), theirs(x.float()).abs(), units=2.0)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)], ids=str)
def test_derivatives(solution, shape):
    ours, _ = layers(solution, nn.RMSNorm, shape[-1], torch.float64)
    x = torch.randn(shape, dtype=torch.float64)
    x[..., -1] = 0.0
    inputs = [value.detach().requires_grad_() for value in (x, ours.weight)]
    assert torch.autograd.gradcheck(called(ours), inputs)
