"""A lookup with a backward of its own, by gather forward and scatter_add back."""

import math

import torch
from torch import nn


class Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table, ids, pad, factor):
        ctx.save_for_backward(ids)
        ctx.pad, ctx.factor, ctx.shape = pad, factor, table.shape
        index = ids.reshape(-1, 1).expand(-1, table.shape[1])
        return (table.gather(0, index) * factor).view(*ids.shape, -1)

    @staticmethod
    def backward(ctx, grad):
        (ids,) = ctx.saved_tensors
        grad = grad.reshape(-1, ctx.shape[1]) * ctx.factor
        index = ids.reshape(-1, 1).expand_as(grad)
        table = torch.zeros(ctx.shape, dtype=grad.dtype).scatter_add(0, index, grad)
        if ctx.pad is not None:
            table[ctx.pad].zero_()
        return table, None, None, None


class TokenEmbedding(nn.Module):
    def __init__(self, vocab_size, d_model, padding_idx=None, scale=True):
        super().__init__()
        self.padding_idx = padding_idx
        self.factor = math.sqrt(d_model) if scale else 1.0
        self.weight = nn.Parameter(torch.zeros(vocab_size, d_model))

    def forward(self, input_ids):
        return Lookup.apply(self.weight, input_ids, self.padding_idx, self.factor)

    def as_logits(self, hidden):
        return nn.functional.linear(hidden, self.weight)
