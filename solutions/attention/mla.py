"""Multi-head latent attention with decoupled RoPE, DeepSeek-V2 (arXiv:2405.04434), sections 2.1.2 and 2.1.3.

Dimensions: B batch, T new tokens, S past and new tokens, H heads, N and R features of queries and keys without and with
position, V features of a value, C size of the latent.
"""

import math

import torch
from torch import Tensor, nn


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return x, (…, T, R), with feature i and feature i + R / 2 turned by the angle of their position, (…, T, R)."""
    # region blank: the half-split rotation
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin
    # endregion


class MultiHeadLatentAttention(nn.Module):
    """Causal self-attention whose keys and values come from one small latent per token, which is all that is cached."""

    # region keep
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

    # endregion

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
        B, T, _ = x.shape
        H, N, R, V = self.num_heads, self.qk_nope_head_dim, self.qk_rope_head_dim, self.v_head_dim
        # region blank: queries through their own bottleneck, split into a part without and a part with position
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x))).view(B, T, H, N + R).transpose(1, 2)
        q_nope, q_pe = q.split((N, R), dim=-1)  # (B, H, T, N), (B, H, T, R)
        q_pe = rotate(q_pe, cos.unsqueeze(1), sin.unsqueeze(1))
        # endregion
        # region blank: what is cached of a token: its normalised latent, and one rotary key for all heads
        latent, k_pe = self.kv_a_proj_with_mqa(x).split((self.kv_lora_rank, R), dim=-1)
        latent, k_pe = self.kv_a_layernorm(latent), rotate(k_pe, cos, sin)
        if past is not None:
            latent, k_pe = torch.cat((past[0], latent), dim=1), torch.cat((past[1], k_pe), dim=1)
        # endregion
        # region blank: keys and values of every head from the latents; the scores of both parts
        S = latent.shape[1]
        k_nope, v = self.kv_b_proj(latent).view(B, S, H, N + V).transpose(1, 2).split((N, V), dim=-1)
        scores = (q_nope @ k_nope.mT + torch.einsum("bhtr,bsr->bhts", q_pe, k_pe)) / math.sqrt(N + R)
        # endregion
        # region blank: softmax over the keys that causality and mask allow, zeros where there is none
        allowed = torch.ones(T, S, dtype=torch.bool, device=x.device).tril(S - T)
        if mask is not None:
            allowed = allowed & mask
        weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~allowed, 0.0)  # a row without any key came out NaN
        # endregion
        # region blank: weigh the values, merge the heads, project
        out = (weights @ v).transpose(1, 2).reshape(B, T, H * V)
        return self.o_proj(out), (latent, k_pe)
        # endregion
