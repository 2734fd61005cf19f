"""The encoder layer against torch's, with copied weights: the mask is the other way round, attention's biases are 0."""

from __future__ import annotations

import pytest
import torch
from torch import nn

SIZES = [  # batch, seq_len, d_model, num_heads, d_ff
    (1, 1, 4, 1, 4),
    (2, 7, 8, 2, 12),
    (3, 5, 12, 3, 7),
    (2, 19, 16, 4, 32),
]
DTYPES = [torch.float32, torch.float64]


def oracle_of(layer, size, dtype, norm_first):
    _, _, d_model, heads, d_ff = size
    oracle = nn.TransformerEncoderLayer(d_model, heads, d_ff, 0.0, batch_first=True, norm_first=norm_first, dtype=dtype)
    return oracle, lambda w: {
        "self_attn.in_proj_weight": torch.cat([w[f"{name}_proj.weight"] for name in "qkv"]),
        "self_attn.in_proj_bias": torch.zeros(3 * d_model, dtype=w["fc1.bias"].dtype),
        "self_attn.out_proj.weight": w["o_proj.weight"],
        "self_attn.out_proj.bias": torch.zeros(d_model, dtype=w["fc1.bias"].dtype),
        **{f"linear{i}.{kind}": w[f"fc{i}.{kind}"] for i in (1, 2) for kind in ("weight", "bias")},
        **{f"norm{i}.{kind}": w[f"norm{i}.{kind}"] for i in (1, 2) for kind in ("weight", "bias")},
    }


def random_layer(module, size, dtype, norm_first):
    _, _, d_model, heads, d_ff = size
    layer = module.EncoderLayer(d_model, heads, d_ff, norm_first=norm_first).to(dtype)
    for p in layer.parameters():
        nn.init.normal_(p, std=0.5)
    return layer


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, size, masked, norm_first, dtype):
    layer = random_layer(solution("encoder_layer"), size, dtype, norm_first)
    oracle, renamed = oracle_of(layer, size, dtype, norm_first)
    batch, seq_len, d_model, *_ = size
    real = None
    if masked:  # torch gives NaN where nothing is real
        real = torch.rand(batch, seq_len) < 0.6
        real[:, 0] = True
    names = [name for name, _ in layer.named_parameters()]

    def ours(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x, real))

    def theirs(x, *values):
        weights = renamed(dict(zip(names, values, strict=True)))
        blocked = None if real is None else ~real
        return torch.func.functional_call(oracle, weights, (x,), {"src_key_padding_mask": blocked})

    inputs = [torch.randn(batch, seq_len, d_model, dtype=dtype), *(p.detach() for p in layer.parameters())]
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_a_sequence_of_padding_alone(solution, agree, norm_first):
    """As torch's layer whose attention gives nothing."""
    size = (2, 4, 8, 2, 12)
    layer = random_layer(solution("encoder_layer"), size, torch.float64, norm_first)
    oracle, renamed = oracle_of(layer, size, torch.float64, norm_first)
    weights = renamed(layer.state_dict())
    weights["self_attn.out_proj.weight"] = torch.zeros_like(weights["self_attn.out_proj.weight"])
    x = torch.randn(2, 4, 8, dtype=torch.float64)
    real = torch.zeros(2, 4, dtype=torch.bool)
    found, right = layer(x, real), torch.func.functional_call(oracle, weights, (x,))
    agree(found, right, right.abs().max(), 64)


@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_derivatives(solution, norm_first):
    layer = random_layer(solution("encoder_layer"), (2, 3, 4, 2, 5), torch.float64, norm_first)
    real = torch.tensor([[True, False, True], [False, False, False]])
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x, real))

    values = [torch.randn(2, 3, 4, dtype=torch.float64), *(p.detach().clone() for p in layer.parameters())]
    assert torch.autograd.gradcheck(call, [value.requires_grad_() for value in values])
