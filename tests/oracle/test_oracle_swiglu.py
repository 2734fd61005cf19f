"""SwiGLU against LlamaMLP with copied weights, and the width against those of released models."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import torch

SIZES = [((), 4, 7), ((5,), 6, 6), ((2, 3), 8, 3), ((2, 17), 16, 48), ((2, 3, 2), 4, 7)]  # leading, d_model, d_ff
DTYPES = [torch.float32, torch.float64]


def called(function, layer):
    """function as one of x and the layer's parameters."""
    names = [name for name, _ in layer.named_parameters()]
    return lambda x, *values: function(dict(zip(names, values, strict=True)), x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize(("leading", "d_model", "d_ff"), SIZES, ids=str)
def test_values_and_gradients(solution, library, agree, conditioning, pulled, leading, d_model, d_ff, scale, dtype):
    llama, config = library("transformers.models.llama.modeling_llama"), library("transformers").LlamaConfig
    layer = solution("swiglu").SwiGLU(d_model, d_ff)
    for p in layer.parameters():
        torch.nn.init.normal_(p, std=0.5)
    layer = layer.to(dtype)
    oracle = llama.LlamaMLP(config(hidden_size=d_model, intermediate_size=d_ff, num_attention_heads=1)).to(dtype)
    oracle.load_state_dict(layer.state_dict())
    ours = called(lambda weights, x: torch.func.functional_call(layer, weights, (x,)), layer)
    theirs = called(lambda weights, x: torch.func.functional_call(oracle, weights, (x,)), layer)
    inputs = [torch.randn(*leading, d_model, dtype=dtype) * scale, *(p.detach() for p in layer.parameters())]
    scales = conditioning(lambda *given: pulled(theirs, given), inputs)
    for mine, right, size in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, size)


@pytest.mark.parametrize("multiple_of", [1, 3, 256, 4096])
@pytest.mark.parametrize("multiplier", [1.0, 1.5, 1.75])  # exact in binary, as the fractions below are
def test_width(solution, multiple_of, multiplier):
    """No library has the rule: a second program searches for the smallest multiple, in exact fractions."""
    for d_model in [*range(1, 200), 4096, 5120, 6656, 8192]:
        hidden = math.floor(Fraction(multiplier) * math.floor(Fraction(8 * d_model, 3)))
        right = next(width for width in itertools.count(multiple_of, multiple_of) if width >= hidden)
        assert solution("swiglu").llama_ffn_dim(d_model, multiple_of, multiplier) == right


@pytest.mark.parametrize(
    ("d_model", "multiple_of", "multiplier", "d_ff"),
    [
        (4096, 256, 1.0, 11008),  # Llama 7B
        (5120, 256, 1.0, 13824),  # Llama 13B
        (6656, 256, 1.0, 17920),  # Llama 30B
        (8192, 256, 1.0, 22016),  # Llama 65B
        (8192, 4096, 1.3, 28672),  # Llama 2 and 3 70B
        (4096, 1024, 1.3, 14336),  # Llama 3 8B
    ],
)
def test_widths_of_released_models(solution, d_model, multiple_of, multiplier, d_ff):
    assert solution("swiglu").llama_ffn_dim(d_model, multiple_of, multiplier) == d_ff
