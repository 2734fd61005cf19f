# exercise: gqa
# verdict: failed
# check: wrong
"""Has every weight, uses the mean of the values alone."""

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
        v = self.v_proj(x).view(*x.shape[:2], self.g, self.d).repeat_interleave(self.h // self.g, 2)
        count = torch.arange(1, x.shape[1] + 1).view(1, -1, 1, 1)
        return self.o_proj((v.cumsum(1) / count).flatten(2))
