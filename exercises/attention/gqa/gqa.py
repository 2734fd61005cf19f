# Generated from solutions/attention/gqa.py; do not edit. thinkllm dev render
"""Grouped-query attention, Ainslie et al. 2023 (arXiv:2305.13245), section 2.2.

Dimensions: B batch, T sequence, G key/value heads, R query heads per group, D head size.
"""

import math

import torch
from torch import Tensor, nn


class GroupedQueryAttention(nn.Module):
    """Self-attention in which R = num_heads // num_kv_heads query heads share one key/value head."""

    def __init__(
        self, d_model: int, num_heads: int, num_kv_heads: int, head_dim: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        if num_heads % num_kv_heads:
            raise ValueError(f"num_heads ({num_heads}) must be a multiple of num_kv_heads ({num_kv_heads})")
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim if head_dim is not None else d_model // num_heads
        self.q_proj = nn.Linear(d_model, num_heads * self.head_dim, bias=bias)
        self.k_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.o_proj = nn.Linear(num_heads * self.head_dim, d_model, bias=bias)

    def forward(self, x: Tensor, mask: Tensor | None = None, is_causal: bool = True) -> Tensor:
        """Return the attention output of x, each key/value head shared by a group of query heads.

        Args:
            x: (batch, seq_len, d_model), float32.
            mask: (batch or 1, 1, seq_len, seq_len) bool, True where attention is allowed.
            is_causal: also forbid attention to later positions.
        Returns:
            (batch, seq_len, d_model).
        """
        raise NotImplementedError("blank 1: GroupedQueryAttention.forward")
