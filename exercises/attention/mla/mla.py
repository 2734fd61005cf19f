# Generated from solutions/attention/mla.py; do not edit. thinkllm dev render
"""Multi-head latent attention with decoupled RoPE, DeepSeek-V2 (arXiv:2405.04434), sections 2.1.2 and 2.1.3.

Dimensions: B batch, T new tokens, S past and new tokens, H heads, N and R features of queries and keys without and with
position, V features of a value, C size of the latent.
"""

import math

import torch
from torch import Tensor, nn


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return x, (…, T, R), with feature i and feature i + R / 2 turned by the angle of their position, (…, T, R)."""
    raise NotImplementedError("blank 1: rotate")


class MultiHeadLatentAttention(nn.Module):
    """Causal self-attention whose keys and values come from one small latent per token, which is all that is cached."""

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        q_lora_rank: int,
        kv_lora_rank: int,
        qk_nope_head_dim: int,
        qk_rope_head_dim: int,
        v_head_dim: int,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.kv_lora_rank = kv_lora_rank
        self.qk_nope_head_dim = qk_nope_head_dim
        self.qk_rope_head_dim = qk_rope_head_dim
        self.v_head_dim = v_head_dim
        self.q_a_proj = nn.Linear(d_model, q_lora_rank, bias=False)
        self.q_a_layernorm = nn.RMSNorm(q_lora_rank, eps=1e-6)
        self.q_b_proj = nn.Linear(q_lora_rank, num_heads * (qk_nope_head_dim + qk_rope_head_dim), bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(d_model, kv_lora_rank + qk_rope_head_dim, bias=False)
        self.kv_a_layernorm = nn.RMSNorm(kv_lora_rank, eps=1e-6)
        self.kv_b_proj = nn.Linear(kv_lora_rank, num_heads * (qk_nope_head_dim + v_head_dim), bias=False)
        self.o_proj = nn.Linear(num_heads * v_head_dim, d_model, bias=False)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        past: tuple[Tensor, Tensor] | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the attention output of the new tokens, and the cache to go on with.

        Args:
            x: (B, T, d_model), float32, the new tokens.
            cos, sin: (B or 1, T, R), of the new tokens' angles; the angle of pair i stands at i and at i + R / 2.
            past: latents (B, S - T, C) and rotary keys (B, S - T, R) of the tokens before; None if there are none.
            mask: (B or 1, 1, T or 1, S) bool, True where attention is allowed.
        Returns:
            out: (B, T, d_model).
            cache: latents (B, S, C) and rotary keys (B, S, R) of all tokens so far.
        """
        raise NotImplementedError("blank 2: MultiHeadLatentAttention.forward")
