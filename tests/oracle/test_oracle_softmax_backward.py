"""The backward passes of softmax and log-softmax against torch's autograd."""

from __future__ import annotations

import pytest
import torch

SHAPES = [((1,), 0), ((7,), -1), ((3, 5), 0), ((2, 17), -1), ((2, 3, 129), -1), ((4, 1, 6), 1), ((2, 33, 4), -2)]
PAIRS = [("softmax_backward", torch.softmax), ("log_softmax_backward", torch.log_softmax)]
NAMES = ["softmax", "log_softmax"]


def pulled_back(forward, x, dim, grad_out):
    """What the forward pass returns, and the gradient of its input."""
    leaf = x.clone().requires_grad_()
    out = forward(leaf, dim)
    return out.detach(), torch.autograd.grad(out, leaf, grad_out)[0]


@pytest.mark.parametrize(("name", "forward"), PAIRS, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize(("shape", "dim"), SHAPES, ids=str)
def test_gradients(solution, agree, name, forward, dtype, scale, shape, dim):
    x, grad_out = torch.randn(shape, dtype=dtype) * scale, torch.randn(shape, dtype=dtype)
    out, right = pulled_back(forward, x, dim, grad_out)
    # each entry is a difference of the gradient and a sum over the row, both weighted by at most one
    agree(getattr(solution("softmax_backward"), name)(grad_out, out, dim), right, grad_out.abs().sum(dim, keepdim=True))


@pytest.mark.parametrize(("name", "forward"), PAIRS, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_masked_logits(solution, agree, name, forward, dtype):
    x, grad_out = torch.randn(4, 9, dtype=dtype), torch.randn(4, 9, dtype=dtype)
    x[:, 1::3] = -torch.inf
    out, right = pulled_back(forward, x, -1, grad_out)
    agree(getattr(solution("softmax_backward"), name)(grad_out, out), right, grad_out.abs().sum(-1, keepdim=True))


@pytest.mark.parametrize("name", [name for name, _ in PAIRS], ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(solution, agree, name, dtype):
    """The oracle, torch's own backward kernel, is given the same numbers in float64."""
    out, grad_out = torch.randn(3, 4099).softmax(-1).to(dtype), torch.randn(3, 4099).to(dtype)
    kernel = torch._softmax_backward_data
    if name == "log_softmax_backward":
        out, kernel = out.float().log().to(dtype), torch._log_softmax_backward_data
    right = kernel(grad_out.double(), out.double(), -1, torch.float64)
    # half a spacing for the last rounding on both sides, and the smallest normal number below which it is absolute
    scale = right.abs() + torch.finfo(dtype).tiny
    agree(getattr(solution("softmax_backward"), name)(grad_out, out), right.to(dtype), scale, units=2.5)
