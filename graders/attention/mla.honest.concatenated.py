"""Whole keys put together as in transformers, the rotary part copied to every head; norms and softmax by hand."""

import math

import torch
from torch import nn


def norm(x, layer):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * layer.weight


class MultiHeadLatentAttention(nn.Module):
    def __init__(
        self,
        d_model: int,
        num_heads: int,
        q_lora_rank: int,
        kv_lora_rank: int,
        qk_nope_head_dim: int,
        qk_rope_head_dim: int,
        v_head_dim: int,
    ):
        super().__init__()
        self.num_heads = num_heads
        self.sizes = kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim
        self.q_a_proj = nn.Linear(d_model, q_lora_rank, bias=False)
        self.q_a_layernorm = nn.RMSNorm(q_lora_rank)
        self.q_b_proj = nn.Linear(q_lora_rank, num_heads * (qk_nope_head_dim + qk_rope_head_dim), bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(d_model, kv_lora_rank + qk_rope_head_dim, bias=False)
        self.kv_a_layernorm = nn.RMSNorm(kv_lora_rank)
        self.kv_b_proj = nn.Linear(kv_lora_rank, num_heads * (qk_nope_head_dim + v_head_dim), bias=False)
        self.o_proj = nn.Linear(num_heads * v_head_dim, d_model, bias=False)

    def rope(self, x, cos, sin):
        half = x.shape[-1] // 2
        pair = torch.complex(x[..., :half].contiguous(), x[..., half:].contiguous())
        turn = torch.complex(cos[..., :half].contiguous(), sin[..., :half].contiguous())
        out = pair * turn
        return torch.cat((out.real, out.imag), dim=-1)

    def forward(self, x, cos, sin, past=None, mask=None):
        rank, n, r, v_dim = self.sizes
        b, t, _ = x.shape
        q = self.q_b_proj(norm(self.q_a_proj(x), self.q_a_layernorm))
        q = q.reshape(b, t, self.num_heads, n + r).permute(0, 2, 1, 3)
        q = torch.cat((q[..., :n], self.rope(q[..., n:], cos[:, None], sin[:, None])), dim=-1)
        latent, key = torch.split(self.kv_a_proj_with_mqa(x), [rank, r], dim=2)
        latent, key = norm(latent, self.kv_a_layernorm), self.rope(key, cos, sin)
        if past is not None:
            latent = torch.cat([past[0], latent], dim=1)
            key = torch.cat([past[1], key], dim=1)
        s = latent.shape[1]
        kv = self.kv_b_proj(latent).reshape(b, s, self.num_heads, n + v_dim).permute(0, 2, 1, 3)
        k = torch.cat((kv[..., :n], key[:, None].expand(-1, self.num_heads, -1, -1)), dim=-1)
        scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(n + r)
        blocked = torch.triu(torch.ones(t, s, dtype=torch.bool), s - t + 1)
        if mask is not None:
            blocked = blocked | ~mask
        scores = scores.masked_fill(blocked, -1e30)
        e = (scores - scores.amax(-1, keepdim=True)).exp().masked_fill(blocked, 0.0)
        out = torch.matmul(e / e.sum(-1, keepdim=True).clamp(min=1e-30), kv[..., n:])
        return self.o_proj(out.permute(0, 2, 1, 3).reshape(b, t, -1)), (latent, key)
