"""Transformer encoder layer, Vaswani et al. 2017 (arXiv:1706.03762), sections 3.1 to 3.3 and 5.4.

The pre-norm order is that of Xiong et al. 2020 (arXiv:2002.04745), section 3.
Dimensions: B batch, T sequence, H heads, D head size.
"""

import math

import torch
from torch import Tensor, nn


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with dropout, a residual connection and a layer norm."""

    # region keep
    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0, norm_first: bool = False) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model ({d_model}) must be a multiple of num_heads ({num_heads})")
        self.num_heads = num_heads
        self.norm_first = norm_first
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.o_proj = nn.Linear(d_model, d_model, bias=False)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    # endregion

    def forward(self, x: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """Return x after self-attention and the feed-forward network.

        Args:
            x: (batch, seq_len, d_model), float32.
            padding_mask: (batch, seq_len) bool, True where a token is real and False where it is padding.
        Returns:
            (batch, seq_len, d_model).
        """
        # region blank: both sublayers with dropout, residual and norm, in the order that norm_first asks for
        if self.norm_first:
            x = x + self.dropout(self._attend(self.norm1(x), padding_mask))
            return x + self.dropout(self._feed_forward(self.norm2(x)))
        x = self.norm1(x + self.dropout(self._attend(x, padding_mask)))
        return self.norm2(x + self.dropout(self._feed_forward(x)))
        # endregion

    def _attend(self, x: Tensor, padding_mask: Tensor | None) -> Tensor:
        """Return what each token of x, (B, T, H * D), gathers from the real ones, in the same shape."""
        B, T, d_model = x.shape
        D = d_model // self.num_heads
        # region blank: queries, keys and values by head; scaled scores
        q, k, v = (
            projection(x).view(B, T, self.num_heads, D).transpose(1, 2)  # (B, H, T, D)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(D)  # (B, H, T, T)
        # endregion
        # region blank: weights over the real keys, zeros where there is none
        if padding_mask is None:
            weights = scores.softmax(dim=-1)
        else:
            padded = ~padding_mask[:, None, None, :]  # (B, 1, 1, T)
            weights = scores.masked_fill(padded, -torch.inf).softmax(dim=-1)
            weights = weights.masked_fill(padded, 0.0)  # a row without any real key came out NaN
        # endregion
        # region blank: weigh the values, merge the heads, project
        return self.o_proj((weights @ v).transpose(1, 2).reshape(B, T, d_model))
        # endregion

    def _feed_forward(self, x: Tensor) -> Tensor:
        # region blank: two linear layers with a ReLU between them
        return self.fc2(self.fc1(x).relu())
        # endregion
