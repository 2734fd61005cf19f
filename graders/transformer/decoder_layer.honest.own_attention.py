"""Attention of its own by einsum and additive masks; the sublayers in a loop, the norm before or after."""

import torch
import torch.nn.functional as F
from torch import nn


class Projections(nn.Module):
    def __init__(self, size):
        super().__init__()
        for name in "qkvo":
            self.add_module(f"{name}_proj", nn.Linear(size, size, bias=False))


class DecoderLayer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attn, self.cross_attn = Projections(d_model), Projections(d_model)
        self.fc1, self.fc2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(d_model) for _ in range(3))
        self.dropout = nn.Dropout(dropout)
        self.heads, self.pre = num_heads, norm_first

    def attend(self, weights, x, source, allowed):
        def split(projection, value):
            b, n, d = value.shape
            return projection(value).reshape(b, n, self.heads, d // self.heads)

        q, k, v = split(weights.q_proj, x), split(weights.k_proj, source), split(weights.v_proj, source)
        scores = torch.einsum("bthd,bshd->bhts", q, k) * q.shape[-1] ** -0.5
        bias = torch.zeros(allowed.shape).masked_fill(allowed.logical_not(), torch.finfo(torch.float32).min)
        p = torch.where(allowed.any(-1, keepdim=True), F.softmax(scores + bias[:, None], -1).transpose(0, 1), 0.0)
        return weights.o_proj(torch.einsum("hbts,bshd->bthd", p, v).flatten(2))

    def forward(self, x, memory, padding_mask=None, memory_mask=None):
        b, t, _ = x.shape
        place = torch.arange(t)
        past = (place[:, None] >= place).expand(b, t, t)
        if padding_mask is not None:
            past = torch.logical_and(past, padding_mask.unsqueeze(1))
        source = torch.ones(b, memory.size(1), dtype=torch.bool) if memory_mask is None else memory_mask
        source = source.unsqueeze(1).expand(b, t, memory.size(1))
        steps = [
            (self.norm1, lambda h: self.attend(self.self_attn, h, h, past)),
            (self.norm2, lambda h: self.attend(self.cross_attn, h, memory, source)),
            (self.norm3, lambda h: self.fc2(torch.relu(self.fc1(h)))),
        ]
        for norm, step in steps:
            x = x + self.dropout(step(norm(x))) if self.pre else norm(x + self.dropout(step(x)))
        return x
