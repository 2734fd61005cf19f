"""The decoder layer against torch's, with copied weights: masks are the other way round, attention's biases are 0."""

from __future__ import annotations

import pytest
import torch
from torch import nn

SIZES = [  # batch, tgt_len, src_len, d_model, num_heads, d_ff
    (1, 2, 3, 4, 1, 4),
    (2, 7, 4, 8, 2, 12),
    (3, 5, 5, 12, 3, 7),
    (2, 6, 17, 16, 4, 32),
]
DTYPES = [torch.float32, torch.float64]


def random_layer(module, size, dtype, norm_first):
    _, _, _, d_model, heads, d_ff = size
    layer = module.DecoderLayer(d_model, heads, d_ff, norm_first=norm_first).to(dtype)
    for p in layer.parameters():
        nn.init.normal_(p, std=0.5)
    return layer


def renamed(w):
    """Our weights by the names of torch's layer."""
    zero = torch.zeros_like(w["fc2.bias"])
    weights = {}
    for ours, theirs in (("self_attn", "self_attn"), ("cross_attn", "multihead_attn")):
        weights[f"{theirs}.in_proj_weight"] = torch.cat([w[f"{ours}.{name}_proj.weight"] for name in "qkv"])
        weights[f"{theirs}.in_proj_bias"] = zero.repeat(3)
        weights[f"{theirs}.out_proj.weight"] = w[f"{ours}.o_proj.weight"]
        weights[f"{theirs}.out_proj.bias"] = zero
    for kind in ("weight", "bias"):
        weights |= {f"linear{i}.{kind}": w[f"fc{i}.{kind}"] for i in (1, 2)}
        weights |= {f"norm{i}.{kind}": w[f"norm{i}.{kind}"] for i in (1, 2, 3)}
    return weights


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, size, masked, norm_first, dtype):
    layer = random_layer(solution("decoder_layer"), size, dtype, norm_first)
    batch, tgt_len, src_len, d_model, heads, d_ff = size
    oracle = nn.TransformerDecoderLayer(d_model, heads, d_ff, 0.0, batch_first=True, norm_first=norm_first, dtype=dtype)
    real = source = None
    if masked:  # torch gives NaN where nothing may be attended to
        real, source = (torch.rand(batch, length) < 0.6 for length in (tgt_len, src_len))
        real[:, 0] = source[:, -1] = True
    later = torch.ones(tgt_len, tgt_len, dtype=torch.bool).triu(1)
    names = [name for name, _ in layer.named_parameters()]

    def ours(x, memory, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x, memory, real, source))

    def theirs(x, memory, *values):
        blocked = {
            "tgt_mask": later,
            "tgt_key_padding_mask": None if real is None else ~real,
            "memory_key_padding_mask": None if source is None else ~source,
        }
        return torch.func.functional_call(oracle, renamed(dict(zip(names, values, strict=True))), (x, memory), blocked)

    inputs = [torch.randn(batch, length, d_model, dtype=dtype) for length in (tgt_len, src_len)]
    inputs += [p.detach() for p in layer.parameters()]
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_derivatives(solution, norm_first):
    layer = random_layer(solution("decoder_layer"), (2, 3, 2, 4, 2, 5), torch.float64, norm_first)
    masks = torch.tensor([[False, True, True], [True, True, False]]), torch.tensor([[True, False], [False, False]])
    names = [name for name, _ in layer.named_parameters()]

    def call(x, memory, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x, memory, *masks))

    values = [torch.randn(2, length, 4, dtype=torch.float64) for length in (3, 2)]
    values += [p.detach().clone() for p in layer.parameters()]
    assert torch.autograd.gradcheck(call, [value.requires_grad_() for value in values])
