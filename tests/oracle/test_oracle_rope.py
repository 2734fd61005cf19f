"""Rotary embedding against transformers: Llama's half-split layout, and the paper's interleaved one as GPT-J has it."""

from __future__ import annotations

import math

import pytest
import torch

LLAMA = "transformers.models.llama.modeling_llama"
GPTJ = "transformers.models.gptj.modeling_gptj"
DTYPES = [torch.float32, torch.float64]
POSITIONS = {
    "a sequence": lambda: torch.arange(7).repeat(2, 1),
    "a decoding step": lambda: torch.tensor([[19], [3], [0]]),
    "left padding": lambda: (torch.arange(6) - torch.arange(3)[:, None]).clamp(min=0),
    "far": lambda: torch.randint(0, 8192, (2, 33)),
}


def embedding(library, head_dim, theta):
    config = library("transformers").LlamaConfig(
        hidden_size=4 * head_dim,
        num_attention_heads=4,
        head_dim=head_dim,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
    )
    return library(LLAMA).LlamaRotaryEmbedding(config)


def angles(positions, head_dim, theta):
    """fp64 angles, twice side by side, and how far float32 may be off in roundings of 1.

    A relative error u of the exponent moves the frequency by u · 2i/D · ln theta; the frequency and the product are
    rounded too, and the angle carries all of it into its cosine.
    """
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float64).repeat(2) / head_dim
    angle = positions.unsqueeze(-1).double() * theta**-exponents
    return angle, 1 + angle * (2 + exponents * math.log(theta))


@pytest.mark.parametrize("theta", [10000.0, 500000.0])
@pytest.mark.parametrize("head_dim", [2, 6, 64, 128])
@pytest.mark.parametrize("kind", POSITIONS)
def test_cosines_and_sines(solution, library, agree, kind, head_dim, theta):
    positions = POSITIONS[kind]()
    angle, scale = angles(positions, head_dim, theta)
    ours = solution("rope").rope_cos_sin(positions, head_dim, theta)
    theirs = embedding(library, head_dim, theta)(torch.zeros(()), positions)
    for mine, right, exact in zip(ours, theirs, (angle.cos(), angle.sin()), strict=True):
        agree(mine, right, scale, units=4.0)
        agree(mine, exact.float(), scale, units=4.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_cosines_and_sines_are_rounded_last(solution, library, agree, dtype):
    positions = POSITIONS["far"]()
    ours = solution("rope").rope_cos_sin(positions, 16, dtype=dtype)
    theirs = embedding(library, 16, 10000.0)(torch.zeros((), dtype=dtype), positions)
    _, scale = angles(positions, 16, 10000.0)
    # float32 angles, whatever the dtype; then one spacing, where both are rounded to different sides
    error = torch.finfo(torch.float32).eps / torch.finfo(dtype).eps * scale
    for mine, right in zip(ours, theirs, strict=True):
        agree(mine, right, error + right.abs(), units=4.0)


def rotations(library, cos, sin):
    """Llama's rotation of queries and keys."""
    return lambda q, k: library(LLAMA).apply_rotary_pos_emb(q, k, cos, sin)


def sizes(q, cos, sin):
    """Sum of the absolute values of the two products that make an entry."""
    return q.abs() * cos.abs().unsqueeze(1) + q.abs().roll(q.shape[-1] // 2, -1) * sin.abs().unsqueeze(1)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("heads", "kv_heads"), [(3, 3), (4, 2)])
@pytest.mark.parametrize("head_dim", [2, 6, 64])
@pytest.mark.parametrize("kind", POSITIONS)
def test_rotation_and_its_gradients(solution, library, agree, pulled, kind, head_dim, heads, kv_heads, dtype):
    rope = solution("rope")
    positions = POSITIONS[kind]()
    batch, seq_len = positions.shape
    cos, sin = rope.rope_cos_sin(positions, head_dim, dtype=dtype)
    q = torch.randn(batch, heads, seq_len, head_dim, dtype=dtype)
    k = torch.randn(batch, kv_heads, seq_len, head_dim, dtype=dtype)
    ours = pulled(lambda q, k: rope.apply_rope(q, k, cos, sin), [q, k])
    theirs = pulled(rotations(library, cos, sin), [q, k])
    # the gradient is the rotation of the cotangent by the opposite angle: the norm of a pair stays
    cotangents = [value.norm(dim=-1, keepdim=True) for value in theirs[2:]]
    for mine, right, scale in zip(ours, theirs, [sizes(q, cos, sin), sizes(k, cos, sin), *cotangents], strict=True):
        agree(mine, right, scale, units=4.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_queries_with_float32_angles(solution, library, agree, dtype):
    """Llama's function promotes to float32 and stays there; the reference comes back, rounded once."""
    rope = solution("rope")
    cos, sin = rope.rope_cos_sin(POSITIONS["far"](), 16)
    q, k = torch.randn(2, 4, 33, 16).to(dtype), torch.randn(2, 2, 33, 16).to(dtype)
    theirs = rotations(library, cos, sin)(q, k)
    for mine, right in zip(rope.apply_rope(q, k, cos, sin), theirs, strict=True):
        assert right.dtype is torch.float32
        agree(mine, right.to(dtype), right.abs(), units=2.0)


@pytest.mark.parametrize("head_dim", [2, 6, 64])
def test_the_papers_layout_is_this_one_with_the_features_in_another_order(solution, library, agree, head_dim):
    """Interleaved: feature 2i turns with 2i + 1. Half-split on features 0, 2, 4, …, 1, 3, 5, … is the same rotation."""
    gptj, rope = library(GPTJ), solution("rope")
    positions = POSITIONS["left padding"]()
    q = torch.randn(3, 4, 6, head_dim)
    table = gptj.create_sinusoidal_positions(16, head_dim)[positions]  # (B, T, D): sines, then cosines
    sines, cosines = table.chunk(2, dim=-1)
    theirs = gptj.apply_rotary_pos_emb(q.transpose(1, 2), sines, cosines).transpose(1, 2)
    order = torch.cat((torch.arange(0, head_dim, 2), torch.arange(1, head_dim, 2)))
    cos, sin = rope.rope_cos_sin(positions, head_dim)
    ours, _ = rope.apply_rope(q[..., order], q[..., order], cos, sin)
    _, scale = angles(positions, head_dim, 10000.0)
    pair = q[..., order].abs() + q[..., order].abs().roll(head_dim // 2, -1)
    agree(ours, theirs[..., order], pair * scale.unsqueeze(1), units=4.0)


def test_derivatives(solution):
    rope = solution("rope")
    cos, sin = rope.rope_cos_sin(torch.tensor([[0, 3], [7, 1]]), 6, dtype=torch.float64)
    q, k = (torch.randn(2, heads, 2, 6, dtype=torch.float64, requires_grad=True) for heads in (2, 1))
    assert torch.autograd.gradcheck(lambda q, k: rope.apply_rope(q, k, cos, sin), (q, k))
