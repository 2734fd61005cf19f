"""By the Euclidean norm of each vector, scaled by √dim."""

import math

import torch
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        wide = x.float()
        length = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        root = torch.sqrt(length * length + self.dim * self.eps)
        return (wide / root * (math.sqrt(self.dim) * self.weight.float())).type_as(x)
