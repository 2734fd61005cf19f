"""BatchNorm's hand-written backward against torch's kernel in both modes, and against autograd through F.batch_norm."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SHAPES = [
    (2, 5),
    (4, 4),
    (17, 3),
    (33, 2),
    (4, 3, 7),
    (1, 3, 9),
    (3, 4, 5, 2),
    (1, 2, 3, 3),
]  # torch sums float64 serially: short
DTYPES = [torch.float32, torch.float64]


def drawn(shape, dtype, scale=1.0):
    """grad_out, x, weight, bias."""
    x = torch.randn(shape, dtype=dtype) * scale + scale
    return torch.randn(shape, dtype=dtype), x, *(torch.randn(shape[1], dtype=dtype) for _ in range(2))


def trained(module, eps):
    """All that both functions return in training, as a function of grad_out, x, weight and bias."""

    def call(grad_out, x, weight, bias):
        out, mean, rstd = module.batch_norm(x, weight, bias, eps)
        return [out, mean, rstd, *module.batch_norm_backward(grad_out, x, weight, mean, rstd)]

    return call


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize("scale", [1.0, 3e-3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training(solution, agree, conditioning, shape, scale, eps, dtype):
    grad_out, x, weight, bias = drawn(shape, dtype, scale)
    call = trained(solution("batch_norm_backward"), eps)
    scales = conditioning(call, [grad_out, x, weight, bias])
    out, mean, rstd = torch.native_batch_norm(x, weight, bias, None, None, True, 0.1, eps)
    gradients = torch.ops.aten.native_batch_norm_backward(
        grad_out, x, weight, None, None, mean, rstd, True, eps, [True, True, True]
    )
    found = call(grad_out, x, weight, bias)
    for mine, theirs, size in zip(found, [out, mean, rstd, *gradients], scales, strict=True):
        agree(mine, theirs, size)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_evaluation(solution, agree, conditioning, shape, dtype):
    grad_out, x, weight, _ = drawn(shape, dtype)
    mean, var = torch.randn(shape[1], dtype=dtype), torch.rand(shape[1], dtype=dtype) + 0.5
    backward = solution("batch_norm_backward").batch_norm_backward

    def call(grad_out, x, weight, mean, var):
        return backward(grad_out, x, weight, mean, torch.rsqrt(var + 1e-5), training=False)

    scales = conditioning(call, [grad_out, x, weight, mean, var])
    right = torch.ops.aten.native_batch_norm_backward(
        grad_out, x, weight, mean, var, None, None, False, 1e-5, [True, True, True]
    )
    for mine, theirs, size in zip(call(grad_out, x, weight, mean, var), right, scales, strict=True):
        agree(mine, theirs, size)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_autograd(solution, agree, conditioning, shape, dtype):
    grad_out, *inputs = drawn(shape, dtype)
    leaves = [value.clone().requires_grad_() for value in inputs]
    out = F.batch_norm(leaves[0], None, None, *leaves[1:], training=True)
    right = torch.autograd.grad(out, leaves, grad_out)
    module = solution("batch_norm_backward")
    call = trained(module, 1e-5)
    scales = conditioning(call, [grad_out, *inputs])[3:]
    for mine, theirs, size in zip(call(grad_out, *inputs)[3:], right, scales, strict=True):
        agree(mine, theirs, size)
    own = [value.clone().requires_grad_() for value in inputs]
    again = torch.autograd.grad(module.batch_norm(*own)[0], own, grad_out)
    for mine, theirs, size in zip(again, right, scales, strict=True):
        agree(mine, theirs, size)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(solution, agree, dtype):
    """Parameters, statistics and their gradients stay float32; grad_x is rounded once."""
    module = solution("batch_norm_backward")
    grad_out, x, weight, bias = drawn((33, 3), torch.float32)
    grad_out, x = grad_out.to(dtype), x.to(dtype)
    out, mean, rstd = module.batch_norm(x, weight, bias)
    found = module.batch_norm_backward(grad_out, x, weight, mean, rstd)
    assert (out.dtype, *(value.dtype for value in found)) == (dtype, dtype, torch.float32, torch.float32)
    right = module.batch_norm_backward(*(value.double() for value in (grad_out, x, weight, mean, rstd)))
    agree(found[0], right[0].to(dtype), right[0].abs() + 1e-4, units=2.0)
    for mine, theirs in zip(found[1:], right[1:], strict=True):
        agree(mine, theirs.float(), grad_out.float().abs().sum(0) * 4)
