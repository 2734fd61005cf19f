"""Multi-query attention with a cache, Shazeer 2019 (arXiv:1911.02150), section 3.

Dimensions: B batch, T new tokens, S past and new tokens, H query heads, D head size.
"""

import math

import torch
from torch import Tensor, nn


class MultiQueryAttention(nn.Module):
    """Causal self-attention whose query heads all share one key/value head."""

    # region keep
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

    # endregion

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
        B, T, _ = x.shape
        H, D = self.num_heads, self.head_dim
        # region blank: project; one head of keys and values, appended to those of the past
        q = self.q_proj(x).view(B, T, H, D)
        k, v = self.k_proj(x).unsqueeze(1), self.v_proj(x).unsqueeze(1)  # (B, 1, T, D)
        if past_kv is not None:
            k, v = torch.cat((past_kv[0], k), dim=2), torch.cat((past_kv[1], v), dim=2)  # (B, 1, S, D)
        # endregion
        # region blank: score all heads against the same keys, which are not copied
        scores = torch.einsum("bthd,bgsd->bhts", q, k) / math.sqrt(D)  # (B, H, T, S)
        # endregion
        # region blank: softmax over the keys that causality and mask allow, zeros where there is none
        S = k.shape[2]
        allowed = torch.ones(T, S, dtype=torch.bool, device=x.device).tril(S - T)
        if mask is not None:
            allowed = allowed & mask
        weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~allowed, 0.0)  # a row without any key came out NaN
        # endregion
        # region blank: weigh the values, merge the heads, project
        out = torch.einsum("bhts,bgsd->bthd", weights, v).reshape(B, T, H * D)
        return self.o_proj(out), (k, v)
        # endregion
