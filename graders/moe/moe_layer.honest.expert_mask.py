"""A dense matrix of weights with zeros, and for each expert the tokens where its column is chosen; empty ones skipped."""

import torch
from torch import nn


class Expert(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)
        self.act_fn = nn.SiLU()

    def forward(self, x):
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class SparseMoE(nn.Module):
    def __init__(self, d_model, d_ff, num_experts, top_k, renormalize=True):
        super().__init__()
        self.top_k, self.renormalize = top_k, renormalize
        self.gate = nn.Linear(d_model, num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(d_model, d_ff) for _ in range(num_experts))

    def forward(self, x):
        batch, seq, dim = x.shape
        x = x.reshape(batch * seq, dim)
        router_logits = self.gate(x)
        probs = torch.softmax(router_logits, dim=1, dtype=torch.float32).to(x.dtype)
        hit = torch.zeros_like(probs, dtype=torch.bool)
        hit.scatter_(1, probs.topk(self.top_k, dim=1).indices, True)
        dense = probs * hit
        if self.renormalize:
            dense = dense / dense.sum(1, keepdim=True)
        out = torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            rows = hit[:, e].nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            share = expert(x.index_select(0, rows)) * dense[rows, e, None]
            out = out.index_put((rows,), share, accumulate=True)
        return out.view(batch, seq, dim), router_logits
