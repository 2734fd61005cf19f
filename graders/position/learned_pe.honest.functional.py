"""Only real tokens are looked up, by F.embedding; their vectors are scattered into zeros."""

import torch
from torch import nn
from torch.nn import functional as F


class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(max_len, d_model).normal_())

    def forward(self, attention_mask, past_len=0):
        before = torch.cumsum(attention_mask.long(), 1) - attention_mask.long()
        real = attention_mask[:, past_len:]
        out = torch.zeros(*real.shape, self.weight.shape[1], dtype=self.weight.dtype)
        out[real] = F.embedding(before[:, past_len:][real], self.weight)
        return out
