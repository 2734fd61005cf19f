"""The two-layer network by hand against torch's layers and automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

SIZES = [(1, 2, 3, 2), (4, 4, 4, 4), (7, 5, 9, 3), (33, 17, 12, 10), (2, 3, 4, 1)]  # batch, d_in, d_hidden, classes
NAMES = ("W1", "b1", "W2", "b2")
DTYPES = [torch.float32, torch.float64]


def drawn(batch, d_in, d_hidden, classes, dtype):
    shapes = [(batch, d_in), (d_in, d_hidden), (d_hidden,), (d_hidden, classes), (classes,)]
    return [torch.randn(shape, dtype=dtype) for shape in shapes], torch.randint(0, classes, (batch,))


def theirs(y, x, *params):
    leaves = [p.detach().clone().requires_grad_() for p in params]
    w1, b1, w2, b2 = leaves
    loss = F.cross_entropy(F.linear(F.relu(F.linear(x, w1.T, b1)), w2.T, b2), y)
    return [loss.detach(), *torch.autograd.grad(loss, leaves)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_loss_and_gradients(solution, agree, conditioning, size, scale, dtype):
    inputs, y = drawn(*size, dtype)
    inputs[3] *= scale
    params = {name: p.numpy() for name, p in zip(NAMES, inputs[1:], strict=True)}
    loss, grads = solution("mlp_backprop").mlp_forward_backward(inputs[0].numpy(), y.numpy(), params)
    right = theirs(y, *inputs)
    scales = conditioning(lambda *given: theirs(y, *given), inputs)
    found = [torch.tensor(loss, dtype=dtype), *(torch.from_numpy(grads[name]) for name in NAMES)]
    for mine, other, size_of in zip(found, right, scales, strict=True):
        agree(mine, other, size_of)


def test_relu_at_zero(solution):
    """torch's derivative of relu at 0 is 0, as the statement has it."""
    x, y = torch.zeros(2, 3), torch.tensor([1, 0])
    params = [torch.randn(3, 4), torch.zeros(4), torch.randn(4, 2), torch.zeros(2)]
    arrays = {name: p.numpy() for name, p in zip(NAMES, params, strict=True)}
    _, grads = solution("mlp_backprop").mlp_forward_backward(x.numpy(), y.numpy(), arrays)
    assert np.array_equal(grads["b1"], theirs(y, x, *params)[2].numpy())


def test_finite_differences(solution):
    call = solution("mlp_backprop").mlp_forward_backward
    inputs, y = drawn(5, 3, 4, 3, torch.float64)
    x, params = inputs[0].numpy(), {name: p.numpy() for name, p in zip(NAMES, inputs[1:], strict=True)}
    _, grads = call(x, y.numpy(), params)
    for name in NAMES:
        for index in np.ndindex(params[name].shape):
            moved = {key: value.copy() for key, value in params.items()}
            moved[name][index] += 1e-6
            up, _ = call(x, y.numpy(), moved)
            moved[name][index] -= 2e-6
            down, _ = call(x, y.numpy(), moved)
            assert abs((up - down) / 2e-6 - grads[name][index]) < 1e-7
