# Generated from solutions/position/learned_pe.py; do not edit. thinkllm dev render
"""Learned positional embedding with padding and a cache, as in OPT (Zhang et al. 2022, arXiv:2205.01068) and BERT
(Devlin et al. 2019, arXiv:1810.04805).
"""

import torch
from torch import Tensor, nn


class LearnedPositionalEmbedding(nn.Module):
    """A table with one row a position, where the position of a token counts the tokens before it and no padding."""

    def __init__(self, max_len: int, d_model: int) -> None:
        super().__init__()
        self.max_len = max_len
        self.d_model = d_model
        self.weight = nn.Parameter(torch.randn(max_len, d_model) * 0.02)

    def forward(self, attention_mask: Tensor, past_len: int = 0) -> Tensor:
        """Return the position vectors of the columns from past_len on; zeros at padding.

        Args:
            attention_mask: (batch, total_len) bool, True at tokens, False at padding, cached columns included.
            past_len: number of leading columns whose vectors are not needed, because they are in a cache.
        Returns:
            (batch, total_len − past_len, d_model).
        Raises:
            IndexError: the position of a token that is asked for is max_len or more.
        """
        raise NotImplementedError("blank 1: LearnedPositionalEmbedding.forward")
