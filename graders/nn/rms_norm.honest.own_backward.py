"""An autograd function of its own, on a matrix of vectors, with the backward by hand."""

import torch
from torch import nn


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, eps):
        r = (torch.einsum("nd,nd->n", x, x) / x.shape[1] + eps) ** -0.5
        ctx.save_for_backward(x, r)
        return x * r[:, None]

    @staticmethod
    def backward(ctx, grad):
        x, r = ctx.saved_tensors
        along = torch.einsum("nd,nd->n", grad, x) / x.shape[1]
        return grad * r[:, None] - x * (along * r**3)[:, None], None


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        rows = _Normalise.apply(x.float().reshape(-1, x.shape[-1]), self.eps)
        return (rows * self.weight).view(x.shape).to(x.dtype)
