"""A row for each channel; the normalisation as one affine map of the deviations, squares by einsum, buffers by mul_."""

import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def _statistics(self, rows):
        n = rows.shape[1]
        if n == 1:
            raise ValueError(f"{n} value")
        first = rows[:, :1].detach()  # shifted, so that nothing cancels
        mean = (rows - first).sum(1) / n + first[:, 0]
        d = rows - mean[:, None]
        squares = torch.einsum("cn,cn->c", d, d)
        self.running_mean.mul_(1 - self.momentum).add_(mean.data, alpha=self.momentum)
        self.running_var.mul_(1 - self.momentum).add_(squares.data / (n - 1), alpha=self.momentum)
        return mean, squares / n

    def forward(self, x):
        swapped = x.transpose(0, 1)
        rows = swapped.to(torch.float32).flatten(1)
        mean, var = self._statistics(rows) if self.training else (self.running_mean, self.running_var)
        out = torch.addcmul(self.bias[:, None], rows - mean[:, None], (self.weight * (var + self.eps) ** -0.5)[:, None])
        return out.view(swapped.shape).transpose(0, 1).to(x.dtype)
