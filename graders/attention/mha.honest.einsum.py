"""One einsum a step on projections kept as (batch, len, heads, head_dim); the softmax by hand."""

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=False):
        super().__init__()
        self.h, self.p = num_heads, dropout
        for name in "qkvo":
            setattr(self, f"{name}_proj", nn.Linear(d_model, d_model, bias))

    def split(self, x):
        return x.unflatten(-1, (self.h, -1))

    def forward(self, x, context=None, mask=None, uniforms=None):
        if context is None:
            context = x
        q, k, v = self.split(self.q_proj(x)), self.split(self.k_proj(context)), self.split(self.v_proj(context))
        s = torch.einsum("bqhd,bkhd->bhqk", q * q.shape[-1] ** -0.5, k)
        if mask is not None:
            s = torch.where(mask, s, -1e30)
        e = torch.exp(s - s.amax(-1, keepdim=True).detach())
        if mask is not None:
            e = e * mask
        w = e / e.sum(-1, keepdim=True).clamp(min=1e-30)
        if self.training and self.p:
            w = w.masked_fill(uniforms < self.p, 0.0) * (1.0 / (1.0 - self.p))
        return self.o_proj(torch.einsum("bhqk,bkhd->bqhd", w, v).flatten(-2))
