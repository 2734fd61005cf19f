"""Multi-head attention, Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.2.

Dimensions: B batch, T queries, S keys, H heads, D head size.
"""

import math

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Attention of x to itself, or to a context, in num_heads heads side by side."""

    # region keep
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

    # endregion

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
        B, T, _ = x.shape
        H, D = self.num_heads, self.head_dim
        # region blank: project and split into heads
        context = x if context is None else context
        q = self.q_proj(x).view(B, T, H, D).transpose(1, 2)  # (B, H, T, D)
        k = self.k_proj(context).view(B, -1, H, D).transpose(1, 2)  # (B, H, S, D)
        v = self.v_proj(context).view(B, -1, H, D).transpose(1, 2)  # (B, H, S, D)
        # endregion
        # region blank: the weights of the keys, zeros where attention is not allowed
        scores = q @ k.mT / math.sqrt(D)  # (B, H, T, S)
        if mask is None:
            weights = scores.softmax(dim=-1)
        else:
            weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
            weights = weights.masked_fill(~mask, 0.0)  # a row without any key came out NaN
        # endregion
        # region blank: drop weights while training
        if self.training and self.dropout > 0:
            weights = weights * (uniforms >= self.dropout) / (1 - self.dropout)
        # endregion
        # region blank: weigh the values, merge the heads, project
        out = (weights @ v).transpose(1, 2).reshape(B, T, H * D)
        return self.o_proj(out)
        # endregion
