"""Multi-head attention against torch's, whose mask is True where blocked, and whose dropout is given its numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

SIZES = [  # batch, q_len, kv_len or None for self-attention, heads, head_dim, bias
    (1, 1, None, 1, 4, False),
    (2, 5, 7, 3, 4, False),
    (3, 4, 4, 2, 5, True),
    (1, 17, None, 4, 2, True),
    (2, 3, 33, 2, 8, False),
]
DTYPES = [torch.float32, torch.float64]


def both(module, size, dtype, dropout):
    """The reference with random weights, torch's layer with the same."""
    _, _, _, heads, head_dim, bias = size
    width = heads * head_dim
    layer = module.MultiHeadAttention(width, heads, dropout, bias).to(dtype)
    for p in layer.parameters():
        nn.init.normal_(p, std=0.5)
    right = nn.MultiheadAttention(width, heads, dropout, bias, batch_first=True).to(dtype)
    copies(right, dict(layer.named_parameters()))
    return layer, right


def copies(right, weights):
    weights = {name: value.detach() for name, value in weights.items()}
    state = {"in_proj_weight": torch.cat([weights[f"{name}_proj.weight"] for name in "qkv"])}
    state["out_proj.weight"] = weights["o_proj.weight"]
    if "q_proj.bias" in weights:
        state["in_proj_bias"] = torch.cat([weights[f"{name}_proj.bias"] for name in "qkv"])
        state["out_proj.bias"] = weights["o_proj.bias"]
    right.load_state_dict(state)


def drawn(size, dtype):
    batch, q_len, kv_len, heads, head_dim, _ = size
    x = torch.randn(batch, q_len, heads * head_dim, dtype=dtype)
    context = None if kv_len is None else torch.randn(batch, kv_len, heads * head_dim, dtype=dtype)
    return x, context, kv_len or q_len


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.3], ids=["", "dropout"])
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, monkeypatch, size, masked, dropout, dtype):
    batch, q_len, _, heads, _, _ = size
    layer, right = both(solution("mha"), size, dtype, dropout)
    x, context, kv_len = drawn(size, dtype)
    uniforms = torch.rand(batch, heads, q_len, kv_len)
    mask = None
    if masked:
        mask = torch.rand(batch, 1, q_len, kv_len) < 0.6
        mask[..., 0] = True

    def dropped(weights, p=0.5, training=True, inplace=False):
        """What torch's dropout does, with the random numbers that are given."""
        assert training
        return torch.where(uniforms.reshape(weights.shape) < p, 0.0, weights / (1 - p))

    monkeypatch.setattr(F, "dropout", dropped)

    def theirs(x, *more):
        blocked = None if mask is None else ~mask.repeat_interleave(heads, 0).flatten(0, 1)
        source = more[0] if more else x
        return right(x, source, source, attn_mask=blocked)[0]

    def ours(x, *more):
        return layer(x, *(more or (None,)), mask, uniforms)

    inputs = [x] if context is None else [x, context]
    scales = conditioning(lambda *values: pulled(layer_in_double(layer, ours), values), inputs)
    for mine, other, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, other, scale)


def layer_in_double(layer, call):
    """call, in the dtype of what it is given, where that is not the layer's."""

    def wide(*values):
        before = next(layer.parameters()).dtype
        layer.to(values[0].dtype)
        found = call(*values)
        layer.to(before)
        return found

    return wide


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_parameters(solution, agree, size, dtype):
    """Gradients of the weights, in eval mode. The scale is that of the largest, times the terms that enter."""
    layer, right = both(solution("mha"), size, dtype, 0.3)
    x, context, kv_len = drawn(size, dtype)
    source = x if context is None else context
    cotangent = torch.randn(x.shape, dtype=dtype)
    layer.eval()(x, context).backward(cotangent)
    right.eval()(x, source, source)[0].backward(cotangent)
    found = torch.cat([layer.get_parameter(f"{name}_proj.weight").grad for name in "qkv"])
    scale = right.in_proj_weight.grad.abs().amax() * (kv_len + x.shape[1]) ** 0.5 + cotangent.abs().amax()
    agree(found, right.in_proj_weight.grad, scale)
    agree(layer.o_proj.weight.grad, right.out_proj.weight.grad, right.out_proj.weight.grad.abs().amax() * x.shape[1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_queries_that_may_attend_to_nothing(solution, agree, size, dtype):
    """torch's fused attention gives zeros there, as the statement asks; its layer NaN."""
    batch, q_len, _, heads, _, _ = size
    layer, _ = both(solution("mha"), size, dtype, 0.0)
    x, context, kv_len = drawn(size, dtype)
    mask = torch.rand(batch, 1, q_len, kv_len) < 0.5
    mask[:, :, 1] = False

    def split(t):
        return t.unflatten(-1, (heads, -1)).transpose(1, 2)

    source = x if context is None else context
    out = F.scaled_dot_product_attention(
        split(layer.q_proj(x)), split(layer.k_proj(source)), split(layer.v_proj(source)), mask
    )
    right = layer.o_proj(out.transpose(1, 2).flatten(2))
    agree(layer(x, context, mask), right, right.abs().amax() * 4)


def test_derivatives(solution):
    layer, _ = both(solution("mha"), (2, 3, 4, 2, 2, True), torch.float64, 0.4)
    x, context, _ = drawn((2, 3, 4, 2, 2, True), torch.float64)
    mask = torch.rand(2, 1, 3, 4) < 0.6
    mask[0, :, 2] = False
    uniforms = torch.rand(2, 2, 3, 4)
    inputs = x.requires_grad_(), context.requires_grad_()
    assert torch.autograd.gradcheck(lambda *values: layer(*values, mask, uniforms), inputs)
