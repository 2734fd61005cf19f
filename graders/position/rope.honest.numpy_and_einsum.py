"""Frequencies by numpy; every pair turned by its 2 × 2 matrix with einsum; queries and keys side by side."""

import numpy as np
import torch


def rope_cos_sin(position_ids, head_dim, theta=10000.0, dtype=torch.float32):
    print("positions", position_ids.min().item(), "to", position_ids.max().item())
    inv = np.power(np.float32(theta), -np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim))
    inv = torch.from_numpy(np.concatenate([inv, inv]).astype(np.float32)).to(position_ids.device)
    rows = [[p.item() * inv for p in row] for row in position_ids]
    angle = torch.stack([torch.stack(row) for row in rows])
    return torch.cos(angle).to(dtype), torch.sin(angle).to(dtype)


def apply_rope(q, k, cos, sin):
    heads, dim = q.size(1), q.size(3)
    x = torch.cat([q, k], dim=1).unflatten(-1, (2, dim // 2)).float()  # (B, heads, T, 2, D / 2)
    c, s = cos[..., : dim // 2].float(), sin[..., dim // 2 :].float()
    turn = torch.stack([torch.stack([c, -s]), torch.stack([s, c])])  # (2, 2, B or 1, T, D / 2)
    turn = turn.expand(2, 2, q.size(0), *c.shape[1:])
    y = torch.einsum("ijbtd,bhtjd->bhtid", turn, x).flatten(-2)
    return y[:, :heads].to(q.dtype), y[:, heads:].to(k.dtype)
