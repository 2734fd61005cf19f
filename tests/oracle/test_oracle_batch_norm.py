"""BatchNorm against torch's own, over training steps and in evaluation, buffers included."""

from __future__ import annotations

import pytest
import torch
from torch import nn

SHAPES = {
    (2, 5): nn.BatchNorm1d,
    (17, 3): nn.BatchNorm1d,
    (4, 3, 7): nn.BatchNorm1d,
    (1, 3, 9): nn.BatchNorm1d,
    (3, 4, 5, 2): nn.BatchNorm2d,
    (1, 2, 3, 3): nn.BatchNorm2d,
}
DTYPES = [torch.float32, torch.float64]


def pair(solution, shape, dtype, **options):
    """The reference and torch's layer, with the same random parameters and buffers."""
    ours = solution("batch_norm").BatchNorm(shape[1], **options).to(dtype)
    theirs = SHAPES[shape](shape[1], **options).to(dtype)
    for tensor in (ours.weight, ours.bias, ours.running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(ours.running_var, 0.5, 2.0)
    theirs.load_state_dict(ours.state_dict() | {"num_batches_tracked": torch.tensor(0)})
    return ours, theirs


def called(layer):
    """layer as a function of x and its parameters, with buffers that start anew at each call."""
    state = {name: value.clone() for name, value in layer.named_buffers()}

    def call(x, weight, bias):
        buffers = {name: value.to(x, copy=True) if value.dim() else value.clone() for name, value in state.items()}
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias} | buffers, x)

    return call


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, shape, eps, training, dtype):
    ours, theirs = pair(solution, shape, dtype, eps=eps)
    ours.train(training)
    theirs.train(training)
    inputs = [torch.randn(shape, dtype=dtype), *(p.detach() for p in ours.parameters())]
    scales = conditioning(lambda *values: pulled(called(ours), values), inputs)
    for mine, right, size in zip(pulled(called(ours), inputs), pulled(called(theirs), inputs), scales, strict=True):
        agree(mine, right, size)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_running_averages(solution, agree, shape, momentum, dtype):
    ours, theirs = pair(solution, shape, dtype, momentum=momentum)
    for _ in range(5):
        x = torch.randn(shape, dtype=dtype) + 1
        ours(x)
        theirs(x)
        for name in ("running_mean", "running_var"):
            largest = x.square().amax() + getattr(theirs, name).abs()
            agree(getattr(ours, name), getattr(theirs, name), largest, units=8.0)
    ours.eval()
    theirs.eval()
    x = torch.randn(shape, dtype=dtype)
    scale = (
        x.abs().amax() + 3
    ) * theirs.weight.abs().amax() / theirs.running_var.amin().sqrt() + theirs.bias.abs().amax()
    agree(ours(x), theirs(x), scale * theirs.running_var.amax() / theirs.running_var.amin())
    for name in ("running_mean", "running_var"):
        before = getattr(ours, name).clone()
        ours(x)
        assert torch.equal(getattr(ours, name), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_half_precision_with_float32_parameters(solution, agree, training, dtype):
    ours, theirs = pair(solution, (17, 3), torch.float32)
    ours.train(training)
    theirs.train(training)
    x = torch.randn(17, 3).to(dtype)
    right = theirs(x.float())
    agree(ours(x), right.to(dtype), right.abs() + 1e-2, units=2.0)
    agree(ours.running_var, theirs.running_var, theirs.running_var)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (1, 3, 1, 1)], ids=str)
def test_one_value_a_channel(solution, shape):
    layer = solution("batch_norm").BatchNorm(3)
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    for refused in (layer, kind(3)):
        with pytest.raises(ValueError, match="more than "):
            refused(torch.randn(shape))
    assert layer.eval()(torch.randn(shape)).shape == shape


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("shape", [(4, 2), (2, 2, 3)], ids=str)
def test_derivatives(solution, shape, training):
    layer = solution("batch_norm").BatchNorm(2).double().train(training)
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in (shape, (2,), (2,))]
    assert torch.autograd.gradcheck(called(layer), inputs)
