"""Folds the group into the query length, so that one batched matmul serves it."""

import torch
from torch import nn


class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, head_dim=None, bias=False):
        super().__init__()
        self.h, self.g = num_heads, num_kv_heads
        self.d = head_dim or d_model // num_heads
        self.q_proj = nn.Linear(d_model, self.h * self.d, bias=bias)
        self.k_proj = nn.Linear(d_model, self.g * self.d, bias=bias)
        self.v_proj = nn.Linear(d_model, self.g * self.d, bias=bias)
        self.o_proj = nn.Linear(self.h * self.d, d_model, bias=bias)

    def forward(self, x, mask=None, is_causal=True):
        b, t, _ = x.shape
        r = self.h // self.g
        q = self.q_proj(x).reshape(b, t, self.h, self.d).transpose(1, 2).reshape(b, self.g, r * t, self.d)
        k = self.k_proj(x).reshape(b, t, self.g, self.d).permute(0, 2, 3, 1)
        v = self.v_proj(x).reshape(b, t, self.g, self.d).permute(0, 2, 1, 3)
        s = ((q * self.d**-0.5) @ k).reshape(b, self.g, r, t, t)
        blocked = torch.zeros(1, 1, 1, t, t, dtype=torch.bool)
        if is_causal:
            blocked = blocked | torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
        if mask is not None:
            blocked = blocked | mask.logical_not()[:, :, None]
        s = s.masked_fill(blocked, torch.finfo(s.dtype).min)
        p = torch.where(blocked, 0.0, torch.softmax(s, -1))
        o = (p.reshape(b, self.g, r * t, t) @ v).reshape(b, self.h, t, self.d)
        return self.o_proj(o.transpose(1, 2).flatten(2))
