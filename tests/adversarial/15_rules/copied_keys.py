# exercise: gqa
# verdict: failed
# check: wrong rule
"""Right numbers; every key is copied once per query head."""

import torch
from torch import nn


class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, head_dim=None, bias=False):
        super().__init__()
        self.h, self.g, self.d = num_heads, num_kv_heads, head_dim or d_model // num_heads
        self.q_proj = nn.Linear(d_model, num_heads * self.d, bias=bias)
        self.k_proj = nn.Linear(d_model, num_kv_heads * self.d, bias=bias)
        self.v_proj = nn.Linear(d_model, num_kv_heads * self.d, bias=bias)
        self.o_proj = nn.Linear(num_heads * self.d, d_model, bias=bias)

    def forward(self, x, mask=None, is_causal=True):
        b, t, _ = x.shape
        q = self.q_proj(x).view(b, t, self.h, self.d).transpose(1, 2)
        k, v = (f(x).view(b, t, self.g, self.d).transpose(1, 2) for f in (self.k_proj, self.v_proj))
        k, v = (y.repeat_interleave(self.h // self.g, 1) for y in (k, v))
        allowed = torch.ones(t, t, dtype=torch.bool)
        allowed = allowed.tril() if is_causal else allowed
        allowed = allowed if mask is None else allowed & mask
        scores = (q @ k.mT / self.d**0.5).masked_fill(~allowed, -torch.inf)
        out = scores.softmax(-1).masked_fill(~allowed, 0.0) @ v
        return self.o_proj(out.transpose(1, 2).reshape(b, t, -1))
