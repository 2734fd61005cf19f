"""One head at a time, exponentials by hand; the sublayers wrapped by one method, as in annotated versions of the paper."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class EncoderLayer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.heads, self.norm_first = num_heads, norm_first
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias=False))
        self.fc1, self.fc2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def wrapped(self, x, norm, sublayer):
        inside = norm(x) if self.norm_first else x
        out = x + F.dropout(sublayer(inside), self.dropout.p, self.training)
        return out if self.norm_first else norm(out)

    def attention(self, x, real):
        size = x.size(-1) // self.heads
        heads = []
        for i in range(self.heads):
            rows = slice(i * size, (i + 1) * size)
            q, k, v = (x @ p.weight[rows].T for p in (self.q_proj, self.k_proj, self.v_proj))
            scores = torch.einsum("btd,bsd->bts", q, k) * size**-0.5
            blocked = ~real[:, None, :].expand_as(scores)
            top = scores.masked_fill(blocked, -1e30).amax(-1, keepdim=True)
            e = (scores - top).masked_fill(blocked, -1e30).exp() * ~blocked
            heads.append(e / e.sum(-1, keepdim=True).clamp(min=1e-30) @ v)
        return self.o_proj(torch.cat(heads, -1))

    def forward(self, x, padding_mask=None):
        real = torch.ones(x.shape[:2], dtype=torch.bool) if padding_mask is None else padding_mask
        x = self.wrapped(x, self.norm1, lambda h: self.attention(h, real))
        return self.wrapped(x, self.norm2, lambda h: self.fc2(F.relu(self.fc1(h))))
