"""The stacks against torch's TransformerEncoder and TransformerDecoder, with copied weights; attention's biases are 0.

torch gives no hidden states: ours are compared with its stack cut off after each layer.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

SIZES = [  # layers, batch, tgt_len, src_len, d_model, num_heads, d_ff
    (1, 2, 3, 4, 4, 1, 4),
    (2, 2, 7, 4, 8, 2, 12),
    (3, 3, 5, 5, 12, 3, 7),
]
DTYPES = [torch.float32, torch.float64]


def random_stack(module, entry, size, dtype, norm_first):
    layers, _, _, _, d_model, heads, d_ff = size
    stack = getattr(module, entry)(layers, d_model, heads, d_ff, norm_first).to(dtype)
    for p in stack.parameters():
        nn.init.normal_(p, std=0.5)
    return stack


def renamed(w):
    """Our weights by the names of torch's stacks."""
    weights = {}
    for name, value in w.items():
        if "_attn." not in name:
            weights[name.replace("fc", "linear")] = value
            continue
        base, _, part = name.removesuffix(".weight").rpartition(".")
        theirs = base.replace("cross_attn", "multihead_attn")
        if part == "o_proj":
            weights[f"{theirs}.out_proj.weight"] = value
            weights[f"{theirs}.out_proj.bias"] = torch.zeros_like(value[0])
        elif part == "q_proj":
            weights[f"{theirs}.in_proj_weight"] = torch.cat([w[f"{base}.{n}_proj.weight"] for n in "qkv"])
            weights[f"{theirs}.in_proj_bias"] = torch.zeros_like(value[0]).repeat(3)
    return weights


def oracle_of(entry, size, dtype, norm_first):
    layers, _, _, _, d_model, heads, d_ff = size
    layer = getattr(nn, f"Transformer{entry}Layer")
    made = layer(d_model, heads, d_ff, 0.0, batch_first=True, norm_first=norm_first, dtype=dtype)
    more = {"enable_nested_tensor": False} if entry == "Encoder" else {}
    norm = nn.LayerNorm(d_model, dtype=dtype) if norm_first else None
    return getattr(nn, f"Transformer{entry}")(made, layers, norm, **more)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("entry", ["Encoder", "Decoder"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, size, entry, masked, norm_first, dtype):
    stack = random_stack(solution("stacked_encoder_decoder"), entry, size, dtype, norm_first)
    layers, batch, tgt_len, src_len, d_model, *_ = size
    oracle = oracle_of(entry, size, dtype, norm_first)
    real = source = None
    if masked:  # torch gives NaN where nothing may be attended to
        real, source = (torch.rand(batch, length) < 0.6 for length in (tgt_len, src_len))
        real[:, 0] = source[:, -1] = True
    inverted = [None if mask is None else ~mask for mask in (real, source)]
    later = torch.ones(tgt_len, tgt_len, dtype=torch.bool).triu(1)
    names = [name for name, _ in stack.named_parameters()]
    decoding = entry == "Decoder"

    def ours(x, memory, *values):
        weights = dict(zip(names, values, strict=True))
        given = (x, memory, real, source) if decoding else (x, real)
        _, states = torch.func.functional_call(stack, weights, given)
        return [state + 0 * memory.sum() for state in states]

    def theirs(x, memory, *values):
        weights, states = renamed(dict(zip(names, values, strict=True))), []
        full, norm = oracle.layers, oracle.norm
        for depth in range(layers + 1):
            oracle.layers, oracle.norm = full[:depth], norm if depth == layers else None
            held = {name: value for name, value in weights.items() if name in dict(oracle.named_parameters())}
            if decoding:
                masks = {"tgt_mask": later, "tgt_key_padding_mask": inverted[0], "memory_key_padding_mask": inverted[1]}
                state = torch.func.functional_call(oracle, held, (x, memory), masks) if depth else x
            else:
                masks = {"src_key_padding_mask": inverted[0]}
                state = torch.func.functional_call(oracle, held, (x,), masks) if depth else x
            states.append(state + 0 * memory.sum())
        oracle.layers, oracle.norm = full, norm
        return states

    inputs = [torch.randn(batch, length, d_model, dtype=dtype) for length in (tgt_len, src_len)]
    inputs += [p.detach() for p in stack.parameters()]
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale, 16)


@pytest.mark.parametrize("entry", ["Encoder", "Decoder"])
@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_derivatives(solution, entry, norm_first):
    stack = random_stack(solution("stacked_encoder_decoder"), entry, (2, 2, 3, 2, 4, 2, 3), torch.float64, norm_first)
    masks = torch.tensor([[False, True, True], [True, True, False]]), torch.tensor([[True, False], [False, False]])
    given = [torch.randn(2, length, 4, dtype=torch.float64, requires_grad=True) for length in (3, 2)]

    def call(x, memory):
        output, states = stack(x, memory, *masks) if entry == "Decoder" else stack(x, masks[0])
        return output + 0 * memory.sum(), *states[1:]

    assert torch.autograd.gradcheck(call, given)
