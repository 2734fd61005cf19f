"""LayerNorm's forward and hand-written backward against torch's kernels, and against autograd through torch's layer."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [(1, 1), (1, 4), (3, 5), (4, 4), (7, 2), (2, 257), (257, 3)]
DTYPES = [torch.float32, torch.float64]


def drawn(shape, dtype, scale=1.0, offset=0.0):
    """grad_out, x, weight, bias."""
    n, d = shape
    x = torch.randn(n, d, dtype=dtype) * scale + offset
    return torch.randn(n, d, dtype=dtype), x, torch.randn(d, dtype=dtype), torch.randn(d, dtype=dtype)


def by_hand(module, eps):
    """All that both functions return, as a function of grad_out, x, weight and bias."""

    def call(grad_out, x, weight, bias):
        out, mean, rstd = module.layer_norm(x, weight, bias, eps)
        return [out, mean, rstd, *module.layer_norm_backward(grad_out, x, weight, mean, rstd)]

    return call


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize("scale", [1.0, 3e-3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_torchs_kernels(solution, agree, conditioning, shape, scale, eps, dtype):
    grad_out, x, weight, bias = drawn(shape, dtype, scale)
    call = by_hand(solution("layer_norm_backward"), eps)
    scales = conditioning(call, [grad_out, x, weight, bias])
    out, mean, rstd = torch.native_layer_norm(x, x.shape[1:], weight, bias, eps)
    gradients = torch.ops.aten.native_layer_norm_backward(
        grad_out, x, x.shape[1:], mean, rstd, weight, bias, [True, True, True]
    )
    right = [out, mean.flatten(), rstd.flatten(), *gradients]
    for mine, theirs, size in zip(call(grad_out, x, weight, bias), right, scales, strict=True):
        agree(mine, theirs, size)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_autograd(solution, agree, conditioning, shape, dtype):
    grad_out, *inputs = drawn(shape, dtype)
    module = solution("layer_norm_backward")
    leaves = [value.clone().requires_grad_() for value in inputs]
    out = F.layer_norm(leaves[0], shape[1:], *leaves[1:])
    right = torch.autograd.grad(out, leaves, grad_out)
    call = by_hand(module, 1e-5)
    scales = conditioning(call, [grad_out, *inputs])[3:]
    for mine, theirs, size in zip(call(grad_out, *inputs)[3:], right, scales, strict=True):
        agree(mine, theirs, size)
    own = [value.clone().requires_grad_() for value in inputs]
    again = torch.autograd.grad(module.layer_norm(*own)[0], own, grad_out)
    for mine, theirs, size in zip(again, right, scales, strict=True):
        agree(mine, theirs, size)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(solution, agree, dtype):
    """The statistics stay float32, and each gradient is rounded once."""
    module = solution("layer_norm_backward")
    grad_out, x, weight, bias = (value.to(dtype) for value in drawn((5, 65), torch.float32))
    out, mean, rstd = module.layer_norm(x, weight, bias)
    assert (out.dtype, mean.dtype, rstd.dtype) == (dtype, torch.float32, torch.float32)
    found = module.layer_norm_backward(grad_out, x, weight, mean, rstd)
    right = module.layer_norm_backward(*(value.double() for value in (grad_out, x, weight, mean, rstd)))
    for mine, theirs in zip(found, right, strict=True):
        agree(mine, theirs.to(dtype), theirs.abs() + 1e-4, units=2.0)
