"""Target token by target token, as in decoding: each attends to the normalised prefix; padding is removed, not masked."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(size, size, False)
        self.k_proj = nn.Linear(size, size, False)
        self.v_proj = nn.Linear(size, size, False)
        self.o_proj = nn.Linear(size, size, False)

    def one(self, query, source):
        """One query, (d,), over the rows of source, (n, d)."""
        if not len(source):
            return query * 0
        q = self.q_proj(query).view(self.heads, -1)
        k = self.k_proj(source).view(len(source), self.heads, -1)
        v = self.v_proj(source).view(len(source), self.heads, -1)
        scores = (k * q).sum(-1) / q.shape[-1] ** 0.5  # (n, heads)
        p = torch.exp(scores - scores.logsumexp(0))
        return self.o_proj((p[..., None] * v).sum(0).flatten())


class DecoderLayer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = Attention(d_model, num_heads)
        self.cross_attn = Attention(d_model, num_heads)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.norm3 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory, padding_mask=None, memory_mask=None):
        rows = []
        for b in range(len(x)):
            real = padding_mask[b] if padding_mask is not None else torch.ones(x.shape[1], dtype=torch.bool)
            source = memory[b] if memory_mask is None else memory[b][memory_mask[b]]
            h = self.norm1(x[b]) if self.norm_first else x[b]
            gathered = [self.self_attn.one(h[t], h[: t + 1][real[: t + 1]]) for t in range(len(h))]
            y = x[b] + self.dropout(torch.stack(gathered))
            if not self.norm_first:
                y = self.norm1(y)
            h = self.norm2(y) if self.norm_first else y
            y = y + self.dropout(torch.stack([self.cross_attn.one(token, source) for token in h]))
            if not self.norm_first:
                y = self.norm2(y)
            h = self.norm3(y) if self.norm_first else y
            y = y + self.dropout(self.fc2(self.fc1(h).clamp_min(0)))
            rows.append(y if self.norm_first else self.norm3(y))
        return torch.stack(rows)
