"""The feed-forward network against the feed-forward half of nn.TransformerEncoderLayer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

SIZES = [((1, 1), 2, 3), ((2, 5), 8, 16), ((3, 7), 12, 6), ((2, 3), 16, 129)]  # leading, d_model, d_ff
DTYPES = [torch.float32, torch.float64]


def encoder_layer(layer, d_model, d_ff, activation, dtype):
    """torch's layer with the weights of ours, whose method `_ff_block` is this exercise and a dropout of 0."""
    oracle = nn.TransformerEncoderLayer(d_model, 1, d_ff, dropout=0.0, activation=activation).to(dtype)
    oracle.linear1.load_state_dict(layer.fc1.state_dict())
    oracle.linear2.load_state_dict(layer.fc2.state_dict())
    return oracle


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_without_dropout(solution, agree, conditioning, pulled, size, training, activation, dtype):
    leading, d_model, d_ff = size
    layer = solution("ffn").FeedForward(d_model, d_ff, activation, 0.0 if training else 0.4).to(dtype).train(training)
    oracle = encoder_layer(layer, d_model, d_ff, activation, dtype)
    x = torch.randn(*leading, d_model, dtype=dtype)
    parameters = [p.detach() for p in layer.parameters()]

    def ours(x, *values):
        names = [name for name, _ in layer.named_parameters()]
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    def theirs(x, w1, b1, w2, b2):
        act = nn.functional.relu if activation == "relu" else nn.functional.gelu
        assert oracle.activation is act
        return nn.functional.linear(oracle.dropout(oracle.activation(nn.functional.linear(x, w1, b1))), w2, b2)

    assert torch.equal(theirs(x, *parameters), oracle._ff_block(x))
    scales = conditioning(lambda *inputs: pulled(theirs, inputs), [x, *parameters])
    found, right = (pulled(f, [x, *parameters]) for f in (ours, theirs))
    for mine, other, scale in zip(found, right, scales, strict=True):
        agree(mine, other, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_is_torchs_with_the_mask_that_it_drew(solution, agree, activation, p, dtype):
    """Torch's own dropout of ones shows its mask; uniforms that say the same must give the same."""
    layer = solution("ffn").FeedForward(6, 40, activation, p).to(dtype)
    x = torch.randn(3, 4, 6, dtype=dtype)
    mask = nn.functional.dropout(torch.ones(3, 4, 40, dtype=dtype), p)
    uniforms = torch.where(mask > 0, p + (1 - p) * torch.rand(3, 4, 40) * 0.99, p * torch.rand(3, 4, 40) * 0.99).to(
        dtype
    )
    act = nn.functional.relu if activation == "relu" else nn.functional.gelu
    hidden = act(layer.fc1(x)) * mask
    scale = nn.functional.linear(hidden.abs(), layer.fc2.weight.abs()) + 1
    agree(layer(x, uniforms), layer.fc2(hidden), scale)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_derivatives(solution, activation):
    layer = solution("ffn").FeedForward(3, 5, activation, 0.4).double()
    uniforms = torch.rand(2, 2, 5, dtype=torch.float64)
    x = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x, uniforms), (x,))
