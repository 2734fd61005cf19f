"""The first paper's order: keys outside, queries inside, the running state of all queries kept; powers of two."""

import math

import torch


def flash_attention(q, k, v, block_q, block_k, is_causal=False):
    b, h, n, d = q.shape
    s = k.shape[2]
    o = torch.zeros(b, h, n, d)
    m = torch.full((b, h, n), -math.inf)
    z = torch.zeros(b, h, n)
    factor = math.log2(math.e) / math.sqrt(d)
    for j in range(0, s, block_k):
        kj, vj = k[:, :, j : j + block_k].float(), v[:, :, j : j + block_k].float()
        for i in range(0, n, block_q):
            part = slice(i, min(i + block_q, n))
            last = part.stop - 1 + s - n
            if is_causal and j > last:
                continue
            x = torch.einsum("bhqd,bhkd->bhqk", q[:, :, part].float(), kj) * factor
            if is_causal and j + kj.shape[2] - 1 > i + s - n:
                seen = torch.ones(x.shape[2:], dtype=torch.bool).tril(i + s - n - j)
                x = torch.where(seen, x, -math.inf)
            new = torch.maximum(m[..., part], x.max(-1).values)
            base = torch.where(new.isinf(), 0.0, new)
            p = torch.exp2(x - base[..., None])
            a = torch.exp2(m[..., part] - base)
            z[..., part] = z[..., part] * a + p.sum(-1)
            o[:, :, part] = o[:, :, part] * a[..., None] + torch.einsum("bhqk,bhkd->bhqd", p, vj)
            m[..., part] = new
    empty = z == 0
    out = o / torch.where(empty, 1.0, z)[..., None]
    return out.to(q.dtype), m * math.log(2) + torch.log(z)
