"""Grouped-query attention against LlamaAttention with copied weights, and against torch's fused attention."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

SIZES = [  # batch, seq_len, d_model, num_heads, num_kv_heads, head_dim, bias
    (1, 1, 8, 2, 1, None, False),
    (2, 7, 16, 4, 2, None, False),
    (1, 17, 24, 6, 2, 6, True),
    (3, 5, 12, 3, 3, None, True),
    (2, 33, 16, 8, 1, 4, False),
]
DTYPES = [torch.float32, torch.float64]


def layer_of(module, size, dtype):
    _, _, d_model, heads, kv_heads, head_dim, bias = size
    layer = module.GroupedQueryAttention(d_model, heads, kv_heads, head_dim, bias)
    for p in layer.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return layer.to(dtype)


def called(layer, function):
    """function as one of x and the layer's parameters, and their names."""
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return function(dict(zip(names, values, strict=True)), x)

    return call, [p.detach() for p in layer.parameters()]


def additive(allowed, dtype):
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)


def allowed_by(mask, is_causal, seq_len):
    allowed = torch.ones(1, 1, seq_len, seq_len, dtype=torch.bool)
    if is_causal:
        allowed = allowed.tril()
    return allowed if mask is None else allowed & mask


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("is_causal", [True, False], ids=["causal", "all"])
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, library, agree, conditioning, pulled, size, masked, is_causal, dtype):
    llama = library("transformers.models.llama.modeling_llama")
    config = library("transformers").LlamaConfig
    batch, seq_len, d_model, heads, kv_heads, _, bias = size
    layer = layer_of(solution("gqa"), size, dtype)
    oracle = llama.LlamaAttention(
        config(
            hidden_size=d_model,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=layer.head_dim,
            attention_bias=bias,
            # the eager one takes its softmax in float32 whatever it is given
            attn_implementation="sdpa" if dtype is torch.float64 else "eager",
        ),
        layer_idx=0,
    ).to(dtype)
    oracle.load_state_dict(layer.state_dict())
    mask = None
    if masked:  # every query keeps itself: Llama has no answer for one that may attend to nothing
        mask = (torch.rand(batch, 1, seq_len, seq_len) < 0.6) | torch.eye(seq_len, dtype=torch.bool)
    allowed = allowed_by(mask, is_causal, seq_len)

    def theirs(weights, x):
        ones = torch.ones(batch, seq_len, layer.head_dim, dtype=x.dtype)
        arguments = (x, (ones, torch.zeros_like(ones)), additive(allowed, x.dtype))  # turned by angles of 0
        return torch.func.functional_call(oracle, weights, arguments)[0]

    def ours(weights, x):
        return torch.func.functional_call(layer, weights, (x, mask, is_causal))

    x = torch.randn(batch, seq_len, d_model, dtype=dtype)
    call, parameters = called(layer, ours)
    other, _ = called(layer, theirs)
    scales = conditioning(lambda *inputs: pulled(call, inputs), [x, *parameters])
    found, right = pulled(call, [x, *parameters]), pulled(other, [x, *parameters])
    for mine, other_one, scale in zip(found, right, scales, strict=True):
        agree(mine, other_one, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_queries_that_may_attend_to_nothing(solution, agree, conditioning, pulled, size, dtype):
    """torch's fused attention gives zeros there, as the statement asks."""
    batch, seq_len, _, heads, kv_heads, _, _ = size
    layer = layer_of(solution("gqa"), size, dtype)
    mask = torch.rand(batch, 1, seq_len, seq_len) < 0.4
    mask[:, :, 1] = False
    mask[0, :, :, 0] = False

    def split(x, n):
        return x.view(batch, seq_len, n, -1).transpose(1, 2)

    def theirs(weights, x):
        q, k, v = (
            F.linear(x, weights[f"{name}_proj.weight"], weights.get(f"{name}_proj.bias")) for name in ("q", "k", "v")
        )
        out = F.scaled_dot_product_attention(
            split(q, heads),
            split(k, kv_heads),
            split(v, kv_heads),
            allowed_by(mask, True, seq_len),
            enable_gqa=True,
        )
        out = out.transpose(1, 2).reshape(batch, seq_len, -1)
        return F.linear(out, weights["o_proj.weight"], weights.get("o_proj.bias"))

    def ours(weights, x):
        return torch.func.functional_call(layer, weights, (x, mask))

    x = torch.randn(batch, seq_len, layer.q_proj.in_features, dtype=dtype)
    call, parameters = called(layer, ours)
    other, _ = called(layer, theirs)
    scales = conditioning(lambda *inputs: pulled(call, inputs), [x, *parameters])
    for mine, right, scale in zip(pulled(call, [x, *parameters]), pulled(other, [x, *parameters]), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("masked", [False, True], ids=["causal", "masked"])
def test_derivatives(solution, masked):
    layer = layer_of(solution("gqa"), (2, 3, 4, 2, 1, 2, True), torch.float64)
    mask = None
    if masked:
        mask = torch.rand(2, 1, 3, 3) < 0.5
        mask[0, :, 2] = False  # a query without keys
    call, parameters = called(layer, lambda w, x: torch.func.functional_call(layer, w, (x, mask)))
    inputs = [value.requires_grad_() for value in (torch.randn(2, 3, 4, dtype=torch.float64), *parameters)]
    assert torch.autograd.gradcheck(call, inputs)
