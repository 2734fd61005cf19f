# Generated from solutions/transformer/token_embedding.py; do not edit. thinkllm dev render
"""Token embedding whose table is also the output head.

Sources: Vaswani et al. 2017 (arXiv:1706.03762), section 3.4; Press and Wolf 2017 (arXiv:1608.05859).
"""

import math

import torch
from torch import Tensor, nn


class TokenEmbedding(nn.Module):
    """One table, read by rows on the way in and multiplied with on the way out."""

    def __init__(self, vocab_size: int, d_model: int, padding_idx: int | None = None, scale: bool = True) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.d_model = d_model
        self.padding_idx = padding_idx
        self.scale = scale
        self.weight = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))
        if padding_idx is not None:
            with torch.no_grad():
                self.weight[padding_idx] = 0.0

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the vector of each token, multiplied by √d_model if `scale`; padding gives the table no gradient.

        Args:
            input_ids: (batch, seq_len) int64, from 0 to vocab_size − 1.
        Returns:
            (batch, seq_len, d_model).
        """
        raise NotImplementedError("blank 1: TokenEmbedding.forward")

    def as_logits(self, hidden: Tensor) -> Tensor:
        """Return the score of every token of the vocabulary, by the table that embeds it.

        Args:
            hidden: (batch, seq_len, d_model).
        Returns:
            (batch, seq_len, vocab_size).
        """
        raise NotImplementedError("blank 2: TokenEmbedding.as_logits")
