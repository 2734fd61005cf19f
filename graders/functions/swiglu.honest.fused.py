"""Gate and up as one product, with the weights joined; the sigmoid by hand."""

import torch
from torch import nn
from torch.nn import functional as F


def llama_ffn_dim(d_model, multiple_of=256, multiplier=1.0):
    hidden = int(2 * (4 * d_model) / 3)
    hidden = int(hidden * multiplier)
    return multiple_of * ((hidden + multiple_of - 1) // multiple_of)


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        gate, up = F.linear(x, torch.cat((self.gate_proj.weight, self.up_proj.weight))).chunk(2, dim=-1)
        return self.down_proj(gate * torch.sigmoid(gate) * up)
