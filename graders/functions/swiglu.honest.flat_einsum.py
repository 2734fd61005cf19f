"""Positions flattened to rows, einsum on the bare weights; the width by a remainder."""

import math

import torch
from torch import nn


def llama_ffn_dim(d_model, multiple_of=256, multiplier=1.0):
    hidden = math.floor(multiplier * math.floor(8 * d_model / 3))
    return hidden + (-hidden) % multiple_of


class SwiGLU(nn.Module):
    def __init__(self, d_model: int, d_ff: int):
        super().__init__()
        for name, sizes in (
            ("gate_proj", (d_model, d_ff)),
            ("up_proj", (d_model, d_ff)),
            ("down_proj", (d_ff, d_model)),
        ):
            setattr(self, name, nn.Linear(*sizes, bias=False))

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        gate = torch.einsum("nd,fd->nf", rows, self.gate_proj.weight)
        up = torch.einsum("nd,fd->nf", rows, self.up_proj.weight)
        act = nn.functional.silu(gate, inplace=False).mul(up)
        return torch.einsum("nf,df->nd", act, self.down_proj.weight).view(x.shape)
