"""Multi-head latent attention against DeepseekV3Attention of transformers, half-split and with the same weights.

It reads all tokens at once; the reference is called for the first ones and then, with their cache, for the others. Its
norms work in float32 whatever they are given: in float64 torch's stand in for them.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

SIZES = [  # batch, tokens of the first call, of the second; d_model, heads; ranks of q and kv; nope, rope, v
    (1, 1, 1, 8, 1, 3, 4, 2, 2, 3),
    (2, 5, 1, 12, 3, 10, 7, 5, 4, 6),
    (3, 2, 4, 16, 2, 8, 6, 4, 6, 4),
    (1, 16, 17, 8, 4, 6, 12, 3, 2, 2),
]
DTYPES = [torch.float32, torch.float64]


def layer_of(module, size, dtype):
    layer = module.MultiHeadLatentAttention(*size[3:]).to(dtype)
    for name, p in layer.named_parameters():
        nn.init.normal_(p, mean=float("norm" in name), std=0.4)
    return layer


def drawn(size, dtype):
    batch, first, second, d_model, *_, rope, _ = size
    half = torch.rand(batch, first + second, rope // 2, dtype=dtype) * 6 - 3
    angle = torch.cat((half, half), dim=-1)
    return torch.randn(batch, first + second, d_model, dtype=dtype), angle.cos(), angle.sin()


def in_two_calls(layer, weights, x, cos, sin, first, mask):
    out, cache, start = [], None, 0
    for end in (first, x.shape[1]):
        part = None if mask is None else mask[:, :, start:end, :end]
        new = (value[:, start:end] for value in (x, cos, sin))
        found, cache = torch.func.functional_call(layer, weights, (*new, cache, part))
        out.append(found)
        start = end
    return torch.cat(out, dim=1), cache


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, library, agree, conditioning, pulled, size, masked, dtype):
    deepseek = library("transformers.models.deepseek_v3.modeling_deepseek_v3")
    config = library("transformers").DeepseekV3Config
    batch, first, second, d_model, heads, q_rank, kv_rank, nope, rope, v_dim = size
    tokens = first + second
    layer = layer_of(solution("mla"), size, dtype)
    oracle = deepseek.DeepseekV3Attention(
        config(
            hidden_size=d_model,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            q_lora_rank=q_rank,
            kv_lora_rank=kv_rank,
            qk_nope_head_dim=nope,
            qk_rope_head_dim=rope,
            v_head_dim=v_dim,
            rope_interleave=False,
            # the eager one takes its softmax in float32 whatever it is given
            attn_implementation="sdpa" if dtype is torch.float64 else "eager",
        ),
        layer_idx=0,
    )
    if dtype is torch.float64:
        oracle.q_a_layernorm = nn.RMSNorm(q_rank, eps=1e-6)
        oracle.kv_a_layernorm = nn.RMSNorm(kv_rank, eps=1e-6)
    oracle.to(dtype).load_state_dict(layer.state_dict())
    x, cos, sin = drawn(size, dtype)
    mask = None
    if masked:  # every query keeps itself
        mask = (torch.rand(batch, 1, tokens, tokens) < 0.6) | torch.eye(tokens, dtype=torch.bool)
    allowed = torch.ones(1, 1, tokens, tokens, dtype=torch.bool).tril()
    allowed = allowed if mask is None else allowed & mask
    names = [name for name, _ in layer.named_parameters()]

    def theirs(x, *values):
        bias = torch.zeros(allowed.shape, dtype=x.dtype).masked_fill(~allowed, torch.finfo(x.dtype).min)
        weights = dict(zip(names, values, strict=True))
        return torch.func.functional_call(oracle, weights, (x, (cos, sin), bias))[0]

    def ours(x, *values):
        angles = cos.to(x.dtype), sin.to(x.dtype)
        return in_two_calls(layer, dict(zip(names, values, strict=True)), x, *angles, first, mask)[0]

    inputs = [x, *(p.detach() for p in layer.parameters())]
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_queries_that_may_attend_to_nothing(solution, agree, size, dtype):
    """torch's fused attention, on whole keys put together here, gives zeros there, as the statement asks."""
    batch, first, second, _, heads, _, kv_rank, nope, _, v_dim = size
    tokens = first + second
    layer = layer_of(solution("mla"), size, dtype)
    x, cos, sin = drawn(size, dtype)
    mask = torch.rand(batch, 1, tokens, tokens) < 0.4
    mask[:, :, -1] = False
    out, (latent, k_pe) = in_two_calls(layer, dict(layer.named_parameters()), x, cos, sin, first, mask)

    def turned(t, cos, sin):
        pairs = torch.view_as_complex(torch.stack(t.chunk(2, -1), -1).contiguous())
        turn = torch.view_as_complex(torch.stack((cos, sin), -1)[..., : t.shape[-1] // 2, :].contiguous())
        return torch.cat(torch.view_as_real(pairs * turn).unbind(-1), -1)

    q = layer.q_b_proj(layer.q_a_layernorm(layer.q_a_proj(x))).unflatten(-1, (heads, -1)).transpose(1, 2)
    q = torch.cat((q[..., :nope], turned(q[..., nope:], cos[:, None], sin[:, None])), -1)
    both = layer.kv_a_proj_with_mqa(x)
    right_latent, right_pe = layer.kv_a_layernorm(both[..., :kv_rank]), turned(both[..., kv_rank:], cos, sin)
    kv = layer.kv_b_proj(right_latent).unflatten(-1, (heads, nope + v_dim)).transpose(1, 2)
    k = torch.cat((kv[..., :nope], right_pe[:, None].expand(-1, heads, -1, -1)), -1)
    right = F.scaled_dot_product_attention(q, k, kv[..., nope:], mask & torch.ones_like(mask).tril())
    right = layer.o_proj(right.transpose(1, 2).flatten(2))
    agree(out, right, right.abs().amax() * 8)
    agree(latent, right_latent, right_latent.abs().amax())
    agree(k_pe, right_pe, both.abs().amax())


def test_derivatives(solution):
    size = (2, 2, 2, 4, 2, 3, 2, 2, 2, 2)
    layer = layer_of(solution("mla"), size, torch.float64)
    x, cos, sin = drawn(size, torch.float64)
    mask = torch.rand(2, 1, 4, 4) < 0.6
    mask[0, :, 2] = False  # a query without keys
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return in_two_calls(layer, dict(zip(names, values, strict=True)), x, cos, sin, 2, mask)[0]

    inputs = [value.detach().requires_grad_() for value in (x, *layer.parameters())]
    assert torch.autograd.gradcheck(call, inputs)
