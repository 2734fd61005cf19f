"""kv_b_proj multiplied into queries and outputs, as in decoding: the latents are never expanded."""

import torch
from torch import nn


class MultiHeadLatentAttention(nn.Module):
    def __init__(self, d_model, num_heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim):
        super().__init__()
        self.h, self.c, self.n, self.r, self.v = (
            num_heads,
            kv_lora_rank,
            qk_nope_head_dim,
            qk_rope_head_dim,
            v_head_dim,
        )
        self.q_a_proj = nn.Linear(d_model, q_lora_rank, bias=False)
        self.q_a_layernorm = nn.RMSNorm(q_lora_rank, eps=1e-6)
        self.q_b_proj = nn.Linear(q_lora_rank, num_heads * (self.n + self.r), bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(d_model, kv_lora_rank + self.r, bias=False)
        self.kv_a_layernorm = nn.RMSNorm(kv_lora_rank, eps=1e-6)
        self.kv_b_proj = nn.Linear(kv_lora_rank, num_heads * (self.n + self.v), bias=False)
        self.o_proj = nn.Linear(num_heads * self.v, d_model, bias=False)

    def turn(self, x, cos, sin):
        a, b = x[..., : self.r // 2], x[..., self.r // 2 :]
        ca, cb, sa, sb = (
            cos[..., : self.r // 2],
            cos[..., self.r // 2 :],
            sin[..., : self.r // 2],
            sin[..., self.r // 2 :],
        )
        return torch.cat((a * ca - b * sa, b * cb + a * sb), -1)

    def forward(self, x, cos, sin, past=None, mask=None):
        t = x.shape[1]
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x))).unflatten(-1, (self.h, -1))
        both = self.kv_a_proj_with_mqa(x)
        c = self.kv_a_layernorm(both[..., : self.c])
        pe = self.turn(both[..., self.c :], cos, sin)
        if past is not None:
            c, pe = torch.cat((past[0], c), 1), torch.cat((past[1], pe), 1)
        up, down = self.kv_b_proj.weight.unflatten(0, (self.h, -1)).split((self.n, self.v), dim=1)
        inner = torch.einsum("bthn,hnc->bthc", q[..., : self.n], up)
        turned = self.turn(q[..., self.n :], cos.unsqueeze(2), sin.unsqueeze(2))
        scores = torch.einsum("bthc,bsc->bhts", inner, c) + torch.einsum("bthr,bsr->bhts", turned, pe)
        scores = scores * (self.n + self.r) ** -0.5
        s = c.shape[1]
        seen = torch.arange(s) <= torch.arange(s - t, s).unsqueeze(1)
        if mask is not None:
            seen = seen & mask
        p = torch.where(seen, scores, torch.finfo(scores.dtype).min).softmax(-1)
        p = torch.where(seen, p, 0.0)
        mixed = torch.einsum("bhts,bsc->bthc", p, c)
        return self.o_proj(torch.einsum("bthc,hvc->bthv", mixed, down).flatten(2)), (c, pe)
