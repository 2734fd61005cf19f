"""Heads folded into the rows of one batched matmul; forbidden scores through torch.where."""

import torch
from torch import nn


class MultiQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=False):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, self.d, bias=bias)
        self.v_proj = nn.Linear(d_model, self.d, bias=bias)
        self.o_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, x, past_kv=None, mask=None):
        b, t, _ = x.shape
        k, v = self.k_proj(x), self.v_proj(x)
        if past_kv is not None:
            k = torch.cat([past_kv[0].squeeze(1), k], 1)
            v = torch.cat([past_kv[1].squeeze(1), v], 1)
        s = k.shape[1]
        q = self.q_proj(x).reshape(b, t * self.h, self.d) * self.d**-0.5  # rows (t, h)
        scores = torch.bmm(q, k.mT).view(b, t, self.h, s)
        ahead = torch.arange(s)[None, :] > torch.arange(s - t, s)[:, None]
        blocked = ahead[None, :, None, :]
        if mask is not None:
            blocked = blocked | ~mask.transpose(1, 2)
        scores = torch.where(blocked, torch.finfo(scores.dtype).min, scores)
        p = torch.where(blocked, 0.0, scores.softmax(-1))
        o = torch.bmm(p.reshape(b, t * self.h, s), v).view(b, t, self.h * self.d)
        return self.o_proj(o), (k.unsqueeze(1), v.unsqueeze(1))
