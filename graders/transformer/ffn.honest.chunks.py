"""The hidden features in two chunks whose outputs add up; the dropout mask folded into the second layer's input."""

from torch import nn
from torch.nn import functional as F


class FeedForward(nn.Module):
    def __init__(self, d_model, d_ff, activation="relu", dropout=0.0):
        super().__init__()
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.gelu = activation == "gelu"
        self.keep = 1.0 - dropout

    def forward(self, x, uniforms=None):
        cut = max(1, self.fc1.out_features // 2)
        out = self.fc2.bias.expand_as(x)
        for part in (slice(0, cut), slice(cut, None)):
            h = F.linear(x, self.fc1.weight[part], self.fc1.bias[part])
            h = F.gelu(h) if self.gelu else h.clamp_min(0.0)
            if self.training and self.keep < 1.0:
                h = h * (1.0 - (uniforms[..., part] < 1.0 - self.keep).to(h.dtype)) * (1.0 / self.keep)
            out = out + F.linear(h, self.fc2.weight[:, part])
        return out
