"""Transformer decoder layer, Vaswani et al. 2017 (arXiv:1706.03762), sections 3.1 to 3.3 and 5.4.

The pre-norm order is that of Xiong et al. 2020 (arXiv:2002.04745), section 3.
Dimensions: B batch, T target sequence, S source sequence, D head size.
"""

import math

import torch
from torch import Tensor, nn


# region keep
class MultiHeadAttention(nn.Module):
    """Multi-head attention, given. Queries come from one sequence, keys and values from another or the same."""

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model ({d_model}) must be a multiple of num_heads ({num_heads})")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.o_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, query: Tensor, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return what each token of `query` gathers from `source`.

        Args:
            query: (B, T, d_model).
            source: (B, S, d_model), where keys and values come from.
            mask: bool, True where attention is allowed, of a shape that broadcasts to (B, num_heads, T, S).
        Returns:
            (B, T, d_model); zeros where nothing is allowed.
        """
        q, k, v = (
            projection(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, H, T or S, D)
            for projection, x in ((self.q_proj, query), (self.k_proj, source), (self.v_proj, source))
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if mask is None:
            weights = scores.softmax(dim=-1)
        else:
            weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1).masked_fill(~mask, 0.0)
        return self.o_proj((weights @ v).transpose(1, 2).flatten(2))


# endregion


class DecoderLayer(nn.Module):
    """Causal self-attention, cross-attention and a feed-forward network, each with dropout, residual and layer norm."""

    # region keep
    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0, norm_first: bool = False) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = MultiHeadAttention(d_model, num_heads)
        self.cross_attn = MultiHeadAttention(d_model, num_heads)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.norm3 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    # endregion

    def forward(
        self, x: Tensor, memory: Tensor, padding_mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> Tensor:
        """Return x after self-attention, cross-attention to memory and the feed-forward network.

        Args:
            x: (batch, tgt_len, d_model), float32, the target side.
            memory: (batch, src_len, d_model), what the encoder gave, ready for use.
            padding_mask: (batch, tgt_len) bool, True where a target token is real.
            memory_mask: (batch, src_len) bool, True where a source token is real.
        Returns:
            (batch, tgt_len, d_model).
        """
        # region blank: who may attend to whom, in the target and in the source
        tgt_len = x.shape[1]
        allowed = torch.ones(tgt_len, tgt_len, dtype=torch.bool, device=x.device).tril()
        if padding_mask is not None:
            allowed = allowed & padding_mask[:, None, None, :]  # (B, 1, T, T)
        readable = None if memory_mask is None else memory_mask[:, None, None, :]  # (B, 1, 1, S)
        # endregion
        # region blank: the three sublayers in pre-norm order
        if self.norm_first:
            h = self.norm1(x)
            x = x + self.dropout(self.self_attn(h, h, allowed))
            x = x + self.dropout(self.cross_attn(self.norm2(x), memory, readable))
            return x + self.dropout(self._feed_forward(self.norm3(x)))
        # endregion
        # region blank: the three sublayers in post-norm order
        x = self.norm1(x + self.dropout(self.self_attn(x, x, allowed)))
        x = self.norm2(x + self.dropout(self.cross_attn(x, memory, readable)))
        return self.norm3(x + self.dropout(self._feed_forward(x)))
        # endregion

    def _feed_forward(self, x: Tensor) -> Tensor:
        # region blank: two linear layers with a ReLU between them
        return self.fc2(self.fc1(x).relu())
        # endregion
