"""The hidden features in two parts, whose outputs are summed."""

from torch import nn
from torch.nn import functional as F


def llama_ffn_dim(d_model, multiple_of=256, multiplier=1.0):
    hidden = int(multiplier * int(8 * d_model / 3))
    whole, rest = divmod(hidden, multiple_of)
    return (whole + (rest > 0)) * multiple_of


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(d_model, d_ff, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        half = (self.gate_proj.out_features + 1) // 2
        out = 0.0
        for part in (slice(0, half), slice(half, None)):
            gate = F.linear(x, self.gate_proj.weight[part])
            hidden = F.silu(gate) * F.linear(x, self.up_proj.weight[part])
            out = out + F.linear(hidden, self.down_proj.weight[:, part])
        return out
