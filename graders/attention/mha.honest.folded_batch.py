"""Heads folded into the batch, as fairseq had it; an additive bias, rows without keys cut off at the end."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0, bias: bool = False):
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = d_model // num_heads
        self.p = dropout
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.o_proj = nn.Linear(d_model, d_model, bias=bias)

    def fold(self, t):
        b, n, _ = t.shape
        return t.reshape(b, n, self.num_heads, self.head_dim).permute(0, 2, 1, 3).reshape(-1, n, self.head_dim)

    def forward(self, x, context=None, mask=None, uniforms=None):
        b, n, e = x.shape
        source = x if context is None else context
        m = source.shape[1]
        q, k, v = self.fold(self.q_proj(x)), self.fold(self.k_proj(source)), self.fold(self.v_proj(source))
        scores = torch.bmm(q, k.transpose(1, 2)).view(b, self.num_heads, n, m) * (1 / math.sqrt(self.head_dim))
        if mask is not None:
            low = torch.finfo(scores.dtype).min
            scores = torch.where(mask, scores, torch.full_like(scores, low))
        weights = F.softmax(scores, dim=3)
        if self.training and self.p > 0:
            keep = (uniforms >= self.p).to(weights.dtype)
            weights = weights * keep / (1 - self.p)
        out = torch.bmm(weights.flatten(0, 1), v).view(b, self.num_heads, n, self.head_dim)
        if mask is not None:
            out = out * mask.any(-1, keepdim=True)
        return self.o_proj(out.permute(0, 2, 1, 3).contiguous().view(b, n, e))
