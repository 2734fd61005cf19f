"""Gathers the rows by flat index, cuts the gradient of padding with a mask, and scores by einsum."""

import torch
from torch import nn


class TokenEmbedding(nn.Module):
    def __init__(self, vocab_size, d_model, padding_idx=None, scale=True):
        super().__init__()
        self.pad = padding_idx
        self.factor = d_model**0.5 if scale else 1.0
        self.weight = nn.Parameter(torch.empty(vocab_size, d_model).normal_(std=d_model**-0.5))

    def forward(self, input_ids):
        flat = input_ids.reshape(-1)
        rows = torch.index_select(self.weight, 0, flat)
        if self.pad is not None:
            learns = flat.ne(self.pad).to(rows.dtype)[:, None]
            frozen = rows.detach()
            rows = frozen + (rows - frozen) * learns
        return (self.factor * rows).reshape(*input_ids.shape, -1)

    def as_logits(self, hidden):
        return torch.einsum("bsd,vd->bsv", hidden, self.weight)
