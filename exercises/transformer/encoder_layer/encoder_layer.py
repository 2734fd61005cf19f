# Generated from solutions/transformer/encoder_layer.py; do not edit. thinkllm dev render
"""Transformer encoder layer, Vaswani et al. 2017 (arXiv:1706.03762), sections 3.1 to 3.3 and 5.4.

The pre-norm order is that of Xiong et al. 2020 (arXiv:2002.04745), section 3.
Dimensions: B batch, T sequence, H heads, D head size.
"""

import math

import torch
from torch import Tensor, nn


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with dropout, a residual connection and a layer norm."""

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

    def forward(self, x: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """Return x after self-attention and the feed-forward network.

        Args:
            x: (batch, seq_len, d_model), float32.
            padding_mask: (batch, seq_len) bool, True where a token is real and False where it is padding.
        Returns:
            (batch, seq_len, d_model).
        """
        raise NotImplementedError("blank 1: EncoderLayer.forward")
