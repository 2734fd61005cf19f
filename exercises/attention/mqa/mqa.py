# Generated from solutions/attention/mqa.py; do not edit. thinkllm dev render
"""Multi-query attention with a cache, Shazeer 2019 (arXiv:1911.02150), section 3.

Dimensions: B batch, T new tokens, S past and new tokens, H query heads, D head size.
"""

import math

import torch
from torch import Tensor, nn


class MultiQueryAttention(nn.Module):
    """Causal self-attention whose query heads all share one key/value head."""

    def __init__(self, d_model: int, num_heads: int, bias: bool = False) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model ({d_model}) must be a multiple of num_heads ({num_heads})")
        self.num_heads = num_heads
        self.head_dim = d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, self.head_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, self.head_dim, bias=bias)
        self.o_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self, x: Tensor, past_kv: tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the attention output of the new tokens, and the keys and values to go on with.

        Args:
            x: (B, T, H * D), float32, the new tokens.
            past_kv: keys and values of the tokens before, each (B, 1, S - T, D); None if there are none.
            mask: (B or 1, 1, T or 1, S) bool, True where attention is allowed.
        Returns:
            out: (B, T, H * D).
            kv: keys and values of all tokens so far, each (B, 1, S, D).
        """
        raise NotImplementedError("blank 1: MultiQueryAttention.forward")
