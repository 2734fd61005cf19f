"""Token embedding whose table is also the output head.

Sources: Vaswani et al. 2017 (arXiv:1706.03762), section 3.4; Press and Wolf 2017 (arXiv:1608.05859).
"""

import math

import torch
from torch import Tensor, nn


class TokenEmbedding(nn.Module):
    """One table, read by rows on the way in and multiplied with on the way out."""

    # region keep
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

    # endregion

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the vector of each token, multiplied by √d_model if `scale`; padding gives the table no gradient.

        Args:
            input_ids: (batch, seq_len) int64, from 0 to vocab_size − 1.
        Returns:
            (batch, seq_len, d_model).
        """
        # region blank: one row of the table per token
        x = self.weight[input_ids]  # (batch, seq_len, d_model)
        # endregion
        # region blank: no gradient from the tokens that are padding
        if self.padding_idx is not None:
            is_padding = (input_ids == self.padding_idx).unsqueeze(-1)  # (batch, seq_len, 1)
            x = torch.where(is_padding, x.detach(), x)
        # endregion
        # region blank: scale
        return x * math.sqrt(self.d_model) if self.scale else x
        # endregion

    def as_logits(self, hidden: Tensor) -> Tensor:
        """Return the score of every token of the vocabulary, by the table that embeds it.

        Args:
            hidden: (batch, seq_len, d_model).
        Returns:
            (batch, seq_len, vocab_size).
        """
        # region blank: score each hidden state with every row of the table
        return hidden @ self.weight.T
        # endregion
