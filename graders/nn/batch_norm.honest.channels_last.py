"""Moves the channels to the end, flattens the rest to rows, and takes new tensors for the running averages."""

import torch
from torch import nn


class BatchNorm(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(num_features)), nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        moved = x.movedim(1, -1).float()
        rows = moved.reshape(-1, x.size(1))
        if not self.training:
            mu, var = self.running_mean, self.running_var
        elif len(rows) < 2:
            raise ValueError("BatchNorm cannot be trained on one value per channel")
        else:
            var, mu = torch.var_mean(rows, 0, correction=0)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mu.detach()
            self.running_var = (1 - m) * self.running_var + m * rows.detach().var(0)
        out = (rows - mu) / torch.sqrt(var + self.eps) * self.weight + self.bias
        return out.view(moved.shape).movedim(-1, 1).to(x.dtype)
