"""Flattens the positions, multiplies with the weights by hand, and drops by torch.where."""

import math

import torch
from torch import nn


class FeedForward(nn.Module):
    def __init__(self, d_model, d_ff, activation="relu", dropout=0.0):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.act = {"relu": self._relu, "gelu": self._gelu}[activation]
        self.p = dropout

    @staticmethod
    def _relu(h):
        return torch.where(h > 0, h, torch.zeros_like(h))

    @staticmethod
    def _gelu(h):
        return 0.5 * h * torch.special.erfc(-h / math.sqrt(2.0))

    def forward(self, x, uniforms=None):
        rows = x.reshape(-1, x.shape[-1])
        h = self.act(torch.addmm(self.fc1.bias, rows, self.fc1.weight.t()))
        if self.training and uniforms is not None:
            dropped = uniforms.reshape(h.shape) < self.p
            h = torch.where(dropped, 0.0, h / (1.0 - self.p))
        return torch.addmm(self.fc2.bias, h, self.fc2.weight.t()).reshape(x.shape)
