# Generated from solutions/attention/mha.py; do not edit. thinkllm dev render
"""Multi-head attention, Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.2.

Dimensions: B batch, T queries, S keys, H heads, D head size.
"""

import math

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Attention of x to itself, or to a context, in num_heads heads side by side."""

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0, bias: bool = False) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model ({d_model}) must be a multiple of num_heads ({num_heads})")
        self.num_heads = num_heads
        self.head_dim = d_model // num_heads
        self.dropout = dropout
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.o_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None, uniforms: Tensor | None = None
    ) -> Tensor:
        """Return the attention output of x.

        Args:
            x: (B, T, H * D), float32: where queries come from.
            context: (B, S, H * D), where keys and values come from; None for x itself.
            mask: (B or 1, 1, T or 1, S) bool, True where attention is allowed.
            uniforms: (B, H, T, S), random numbers in [0, 1) that decide on the dropout of weights while training.
        Returns:
            (B, T, H * D).
        """
        raise NotImplementedError("blank 1: MultiHeadAttention.forward")
