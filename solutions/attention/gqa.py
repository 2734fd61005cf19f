"""Grouped-query attention, Ainslie et al. 2023 (arXiv:2305.13245), section 2.2.

Dimensions: B batch, T sequence, G key/value heads, R query heads per group, D head size.
"""

import math

import torch
from torch import Tensor, nn


class GroupedQueryAttention(nn.Module):
    """Self-attention in which R = num_heads // num_kv_heads query heads share one key/value head."""

    # region keep
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

    # endregion

    def forward(self, x: Tensor, mask: Tensor | None = None, is_causal: bool = True) -> Tensor:
        """Return the attention output of x, each key/value head shared by a group of query heads.

        Args:
            x: (batch, seq_len, d_model), float32.
            mask: (batch or 1, 1, seq_len, seq_len) bool, True where attention is allowed.
            is_causal: also forbid attention to later positions.
        Returns:
            (batch, seq_len, d_model).
        """
        B, T, _ = x.shape
        G, R, D = self.num_kv_heads, self.num_heads // self.num_kv_heads, self.head_dim
        # region blank: project x; give the queries a group axis and leave keys and values uncopied
        q = self.q_proj(x).view(B, T, G, R, D).permute(0, 2, 3, 1, 4)  # (B, G, R, T, D)
        k = self.k_proj(x).view(B, T, G, D).transpose(1, 2)  # (B, G, T, D)
        v = self.v_proj(x).view(B, T, G, D).transpose(1, 2)  # (B, G, T, D)
        # endregion
        # region blank: scaled scores of each query with the keys of its group
        scores = torch.einsum("bgrtd,bgsd->bgrts", q, k) / math.sqrt(D)  # (B, G, R, T, S)
        # endregion
        # region blank: combine mask and causality, softmax over the keys, zeros where nothing is allowed
        allowed = torch.ones(T, T, dtype=torch.bool, device=x.device)
        if is_causal:
            allowed = allowed.tril()
        if mask is not None:
            allowed = allowed & mask.unsqueeze(2)  # (B, 1, 1, T, S)
        weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~allowed, 0.0)  # a row without any key came out NaN
        # endregion
        # region blank: weigh the values, put the heads back in order, project
        out = torch.einsum("bgrts,bgsd->bgrtd", weights, v)
        out = out.permute(0, 3, 1, 2, 4).reshape(B, T, G * R * D)  # (B, T, H * D)
        return self.o_proj(out)
        # endregion
