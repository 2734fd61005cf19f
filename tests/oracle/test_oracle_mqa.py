"""Multi-query attention against LlamaAttention with one key/value head, and against torch's fused attention.

Llama reads all tokens at once; the reference is called for the first ones and then, with their cache, for the others.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SIZES = [  # batch, tokens of the first call, of the second, heads, head_dim, bias
    (1, 1, 1, 1, 4, False),
    (2, 5, 1, 3, 4, False),
    (3, 2, 4, 2, 6, True),
    (1, 16, 17, 4, 2, True),
]
DTYPES = [torch.float32, torch.float64]


def layer_of(module, size, dtype):
    _, _, _, heads, head_dim, bias = size
    layer = module.MultiQueryAttention(heads * head_dim, heads, bias)
    for p in layer.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return layer.to(dtype)


def called(layer, function):
    """function as one of x and the layer's parameters, and these."""
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return function(dict(zip(names, values, strict=True)), x)

    return call, [p.detach() for p in layer.parameters()]


def in_two_calls(layer, weights, x, first, mask):
    part = None if mask is None else mask[:, :, :first, :first]
    out, past = torch.func.functional_call(layer, weights, (x[:, :first], None, part))
    rest = None if mask is None else mask[:, :, first:]
    more, kv = torch.func.functional_call(layer, weights, (x[:, first:], past, rest))
    return torch.cat((out, more), dim=1), kv


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, library, agree, conditioning, pulled, size, masked, dtype):
    llama = library("transformers.models.llama.modeling_llama")
    config = library("transformers").LlamaConfig
    batch, first, second, heads, head_dim, bias = size
    tokens, width = first + second, heads * head_dim
    layer = layer_of(solution("mqa"), size, dtype)
    oracle = llama.LlamaAttention(
        config(
            hidden_size=width,
            num_attention_heads=heads,
            num_key_value_heads=1,
            head_dim=head_dim,
            attention_bias=bias,
            # the eager one takes its softmax in float32 whatever it is given
            attn_implementation="sdpa" if dtype is torch.float64 else "eager",
        ),
        layer_idx=0,
    ).to(dtype)
    oracle.load_state_dict(layer.state_dict())
    mask = None
    if masked:  # every query keeps itself: Llama has no answer for one that may attend to nothing
        mask = (torch.rand(batch, 1, tokens, tokens) < 0.6) | torch.eye(tokens, dtype=torch.bool)
    allowed = torch.ones(1, 1, tokens, tokens, dtype=torch.bool).tril()
    allowed = allowed if mask is None else allowed & mask

    def theirs(weights, x):
        ones = torch.ones(batch, tokens, head_dim, dtype=x.dtype)
        bias = torch.zeros(allowed.shape, dtype=x.dtype).masked_fill(~allowed, torch.finfo(x.dtype).min)
        arguments = (x, (ones, torch.zeros_like(ones)), bias)  # turned by angles of 0
        return torch.func.functional_call(oracle, weights, arguments)[0]

    def ours(weights, x):
        return in_two_calls(layer, weights, x, first, mask)[0]

    x = torch.randn(batch, tokens, width, dtype=dtype)
    call, parameters = called(layer, ours)
    other, _ = called(layer, theirs)
    scales = conditioning(lambda *inputs: pulled(call, inputs), [x, *parameters])
    found, right = pulled(call, [x, *parameters]), pulled(other, [x, *parameters])
    for mine, other_one, scale in zip(found, right, scales, strict=True):
        agree(mine, other_one, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_queries_that_may_attend_to_nothing(solution, agree, size, dtype):
    """torch's fused attention gives zeros there, as the statement asks; the cache is what the projections gave."""
    batch, first, second, heads, _, _ = size
    tokens = first + second
    layer = layer_of(solution("mqa"), size, dtype)
    mask = torch.rand(batch, 1, tokens, tokens) < 0.4
    mask[:, :, -1] = False
    x = torch.randn(batch, tokens, layer.q_proj.in_features, dtype=dtype)
    out, (k, v) = in_two_calls(layer, dict(layer.named_parameters()), x, first, mask)
    q = layer.q_proj(x).unflatten(-1, (heads, -1)).transpose(1, 2)
    keys, values = layer.k_proj(x)[:, None], layer.v_proj(x)[:, None]
    right = F.scaled_dot_product_attention(q, keys, values, mask & torch.ones_like(mask).tril(), enable_gqa=True)
    right = layer.o_proj(right.transpose(1, 2).flatten(2))
    agree(out, right, right.abs().amax() * 4)
    agree(k, keys, keys.abs().amax())
    agree(v, values, values.abs().amax())


def test_derivatives(solution):
    layer = layer_of(solution("mqa"), (2, 2, 2, 2, 2, True), torch.float64)
    mask = torch.rand(2, 1, 4, 4) < 0.6
    mask[0, :, 2] = False  # a query without keys
    call, parameters = called(layer, lambda w, x: in_two_calls(layer, w, x, 2, mask)[0])
    inputs = [value.requires_grad_() for value in (torch.randn(2, 4, 4, dtype=torch.float64), *parameters)]
    assert torch.autograd.gradcheck(call, inputs)
