"""One slot of the top_k after the other: within a slot every token has one expert, so that nothing is added twice."""

import torch
from torch import nn
from torch.nn import functional as F


class Expert(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        for name, shape in (
            ("gate_proj", (d_model, d_ff)),
            ("up_proj", (d_model, d_ff)),
            ("down_proj", (d_ff, d_model)),
        ):
            setattr(self, name, nn.Linear(*shape, bias=False))

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)).mul(self.up_proj(x)))


class SparseMoE(nn.Module):
    def __init__(self, d_model, d_ff, num_experts, top_k, renormalize=True):
        super().__init__()
        self.top_k = top_k
        self.renormalize = renormalize
        self.gate = nn.Linear(d_model, num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(d_model, d_ff) for _ in range(num_experts))

    def forward(self, x):
        logits = self.gate(x)
        p = logits.exp() / logits.exp().sum(-1, keepdim=True) if logits.abs().max() < 30 else logits.softmax(-1)
        weights, chosen = p.sort(dim=-1, descending=True)
        weights, chosen = weights[..., : self.top_k], chosen[..., : self.top_k]
        total = weights.sum(-1) if self.renormalize else torch.ones_like(weights[..., 0])
        out = torch.zeros_like(x)
        for k in range(self.top_k):
            slot = torch.zeros_like(x)
            for e, expert in enumerate(self.experts):
                here = chosen[..., k] == e
                slot[here] = expert(x[here])
            out = out + slot * (weights[..., k] / total).unsqueeze(-1)
        return out, logits.reshape(-1, logits.shape[-1])
