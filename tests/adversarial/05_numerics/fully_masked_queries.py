# exercise: gqa
# verdict: failed
# check: wrong
"""A query that may attend to nothing comes out NaN."""

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
        q = self.q_proj(x).view(b, t, self.g, self.h // self.g, self.d)
        k, v = (f(x).view(b, t, self.g, self.d) for f in (self.k_proj, self.v_proj))
        scores = torch.einsum("btgrd,bsgd->bgrts", q, k) / self.d**0.5
        if is_causal:
            scores = scores.masked_fill(~torch.ones(t, t, dtype=torch.bool).tril(), -torch.inf)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, :, None], -torch.inf)
        return self.o_proj(torch.einsum("bgrts,bsgd->btgrd", scores.softmax(-1), v).reshape(b, t, -1))
