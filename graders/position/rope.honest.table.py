"""A table of all positions made in float64, looked up by position; each half written out, in the dtype of the input."""

import torch
import torch.nn.functional as F


class _Table:
    def __init__(self, length, head_dim, theta):
        speeds = [1.0 / theta ** (2 * i / head_dim) for i in range(head_dim // 2)]
        turns = torch.outer(torch.arange(length, dtype=torch.float64), torch.tensor(speeds, dtype=torch.float64))
        self.cos, self.sin = turns.cos(), turns.sin()


def rope_cos_sin(position_ids, head_dim, theta=10000.0, dtype=torch.float32):
    table = _Table(int(position_ids.max()) + 1, head_dim, theta)
    halves = [F.embedding(position_ids, part).to(dtype) for part in (table.cos, table.sin)]
    return tuple(torch.cat([half] * 2, -1) for half in halves)


def apply_rope(q, k, cos, sin):
    out = []
    for x in (q, k):
        c, s = (part[:, None, :, : x.shape[-1] // 2].to(x.dtype) for part in (cos, sin))
        x1, x2 = x.tensor_split(2, dim=-1)
        y = torch.empty_like(x)
        y[..., : x1.shape[-1]] = x1 * c - x2 * s
        y[..., x1.shape[-1] :] = x2 * c + x1 * s
        out.append(y)
    return out[0], out[1]
