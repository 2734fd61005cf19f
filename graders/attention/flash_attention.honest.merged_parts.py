"""Finished attention of each block of keys, merged by the log-sum-exps, as split-KV decoding does."""

import torch


def tile(q, k, v, rows, columns):
    scores = torch.matmul(q, k.transpose(-1, -2))
    if rows is not None:
        scores = scores.masked_fill(columns[None, :] > rows[:, None], float("-inf"))
    lse = torch.logsumexp(scores, dim=-1)
    p = torch.exp(scores - lse.masked_fill(lse.isinf(), 0.0).unsqueeze(-1))
    return torch.matmul(p, v), lse


def merge(o1, l1, o2, l2):
    lse = torch.logaddexp(l1, l2)
    base = lse.masked_fill(lse.isinf(), 0.0)
    return o1 * (l1 - base).exp().unsqueeze(-1) + o2 * (l2 - base).exp().unsqueeze(-1), lse


def flash_attention(q, k, v, block_q, block_k, is_causal=False):
    scale = q.shape[-1] ** -0.5
    ahead = k.shape[2] - q.shape[2]
    outs, lses = [], []
    for i, qi in enumerate(q.split(block_q, dim=2)):
        rows = torch.arange(qi.shape[2]) + i * block_q + ahead
        qi = qi.to(torch.float32)
        out, lse = torch.zeros_like(qi), torch.full(qi.shape[:3], float("-inf"))
        for j, (kj, vj) in enumerate(zip(k.split(block_k, dim=2), v.split(block_k, dim=2), strict=True)):
            columns = torch.arange(kj.shape[2]) + j * block_k
            if is_causal and columns[0] > rows[-1]:
                continue
            part = tile(qi * scale, kj.to(torch.float32), vj.to(torch.float32), rows if is_causal else None, columns)
            out, lse = merge(out, lse, *part)
        outs.append(out.to(q.dtype))
        lses.append(lse)
    return torch.cat(outs, dim=2), torch.cat(lses, dim=2)
