"""Sorts the assignments by expert, runs each on its stretch, and brings the outputs back by the inverse permutation."""

import torch
import torch.nn.functional as F
from torch import nn


class MLP(nn.Module):
    def __init__(self, d, f):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(d, f, bias=False), nn.Linear(d, f, bias=False)
        self.down_proj = nn.Linear(f, d, bias=False)


class SparseMoE(nn.Module):
    def __init__(self, d_model, d_ff, num_experts, top_k, renormalize=True):
        super().__init__()
        self.k, self.n, self.renormalize = top_k, num_experts, renormalize
        self.gate = nn.Linear(d_model, num_experts, bias=False)
        self.experts = nn.ModuleList([MLP(d_model, d_ff) for _ in range(num_experts)])

    def forward(self, x):
        flat = x.flatten(0, 1)
        logits = F.linear(flat, self.gate.weight)
        if self.renormalize:
            top, ids = torch.topk(logits, self.k, dim=-1)
            w = torch.softmax(top, dim=-1)
        else:
            ids = torch.argsort(logits, dim=-1, descending=True)[:, : self.k]
            w = torch.exp(logits.gather(1, ids) - torch.logsumexp(logits, dim=-1, keepdim=True))
        owner = ids.flatten()
        order = owner.argsort(stable=True)
        rows = flat.repeat_interleave(self.k, dim=0)[order]
        counts = torch.bincount(owner, minlength=self.n).tolist()
        done = []
        for expert, part in zip(self.experts, rows.split(counts), strict=True):
            if len(part):
                h = part @ expert.up_proj.weight.T
                g = part @ expert.gate_proj.weight.T
                done.append((g * torch.sigmoid(g) * h) @ expert.down_proj.weight.T)
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order))
        y = torch.cat(done)[back].view(len(flat), self.k, -1)
        return torch.einsum("nkd,nk->nd", y, w).reshape(x.shape), logits
