"""One query head at a time, with an online-safe softmax by hand."""

import torch
from torch import nn


class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, head_dim=None, bias=False):
        super().__init__()
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.head_dim = d_model // num_heads if head_dim is None else head_dim
        for name, heads in (("q_proj", num_heads), ("k_proj", num_kv_heads), ("v_proj", num_kv_heads)):
            setattr(self, name, nn.Linear(d_model, heads * self.head_dim, bias))
        self.o_proj = nn.Linear(num_heads * self.head_dim, d_model, bias)

    def forward(self, x, mask=None, is_causal=True):
        seq = x.size(1)
        allowed = torch.full((1, seq, seq), True)
        if is_causal:
            pos = torch.arange(seq)
            allowed = allowed & (pos[:, None] >= pos[None, :])
        if mask is not None:
            allowed = allowed & mask[:, 0]
        q = self.q_proj(x).split(self.head_dim, -1)
        k = self.k_proj(x).split(self.head_dim, -1)
        v = self.v_proj(x).split(self.head_dim, -1)
        heads = []
        for h in range(self.num_heads):
            g = h * self.num_kv_heads // self.num_heads
            s = torch.baddbmm(torch.zeros(()), q[h], k[g].mT, beta=0, alpha=self.head_dim**-0.5)
            e = (s - s.masked_fill(~allowed, -1e30).amax(-1, keepdim=True)).masked_fill(~allowed, -1e30).exp()
            e = e * allowed
            heads.append(e / e.sum(-1, keepdim=True).clamp_min(1e-30) @ v[g])
        return self.o_proj(torch.cat(heads, -1))
