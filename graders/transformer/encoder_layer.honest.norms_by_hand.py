"""Layer norm by its formula, one projection for q, k and v, keys of padding removed sequence by sequence."""

import torch
from torch import nn


def normalised(x, norm):
    mean = x.mean(-1, keepdim=True)
    var = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(var + norm.eps) * norm.weight + norm.bias


class EncoderLayer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.num_heads = num_heads
        self.norm_first = norm_first
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.o_proj = nn.Linear(d_model, d_model, bias=False)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, padding_mask=None):
        b, t, d = x.shape
        h = normalised(x, self.norm1) if self.norm_first else x
        w = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        qkv = (h @ w.mT).unflatten(-1, (3, self.num_heads, d // self.num_heads))
        rows = []
        for i in range(b):
            q, k, v = qkv[i].permute(1, 2, 0, 3)  # (heads, t, size) each
            if padding_mask is not None:
                k, v = k[:, padding_mask[i]], v[:, padding_mask[i]]
            p = torch.softmax(q @ k.mT / (d / self.num_heads) ** 0.5, -1)
            rows.append((p @ v).transpose(0, 1).flatten(1))
        x = x + self.dropout(self.o_proj(torch.stack(rows)))
        if not self.norm_first:
            x = normalised(x, self.norm1)
        h = normalised(x, self.norm2) if self.norm_first else x
        hidden = torch.clamp(self.fc1(h.reshape(b * t, d)), min=0)
        x = x + self.dropout(self.fc2(hidden).view(b, t, d))
        return x if self.norm_first else normalised(x, self.norm2)
