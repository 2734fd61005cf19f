# Generated from solutions/transformer/stacked_encoder_decoder.py; do not edit. thinkllm dev render
"""Stacks of Transformer layers, Vaswani et al. 2017 (arXiv:1706.03762), section 3.1.

The norm at the end of a pre-norm stack is that of Xiong et al. 2020 (arXiv:2002.04745), section 3.
Dimensions: B batch, T target sequence, S source sequence, D head size.
"""

import math

import torch
from torch import Tensor, nn


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


class EncoderLayer(nn.Module):
    """An encoder layer, given: self-attention and a feed-forward network."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int, norm_first: bool = False) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = MultiHeadAttention(d_model, num_heads)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x, (B, T, d_model), after both sublayers; `mask` is that of self-attention."""
        if self.norm_first:
            h = self.norm1(x)
            x = x + self.self_attn(h, h, mask)
            return x + self.fc2(self.fc1(self.norm2(x)).relu())
        x = self.norm1(x + self.self_attn(x, x, mask))
        return self.norm2(x + self.fc2(self.fc1(x).relu()))


class DecoderLayer(nn.Module):
    """A decoder layer, given: self-attention, cross-attention to memory and a feed-forward network."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int, norm_first: bool = False) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = MultiHeadAttention(d_model, num_heads)
        self.cross_attn = MultiHeadAttention(d_model, num_heads)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.norm3 = nn.LayerNorm(d_model)

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> Tensor:
        """Return x, (B, T, d_model), after the three sublayers.

        `mask` is that of self-attention, and `memory_mask` that of cross-attention.
        """
        if self.norm_first:
            h = self.norm1(x)
            x = x + self.self_attn(h, h, mask)
            x = x + self.cross_attn(self.norm2(x), memory, memory_mask)
            return x + self.fc2(self.fc1(self.norm3(x)).relu())
        x = self.norm1(x + self.self_attn(x, x, mask))
        x = self.norm2(x + self.cross_attn(x, memory, memory_mask))
        return self.norm3(x + self.fc2(self.fc1(x).relu()))


class Encoder(nn.Module):
    """A stack of encoder layers."""

    def __init__(self, num_layers: int, d_model: int, num_heads: int, d_ff: int, norm_first: bool = False) -> None:
        raise NotImplementedError("blank 1: Encoder.__init__")

    def forward(self, x: Tensor, padding_mask: Tensor | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return x after all layers, and what every layer was given.

        Args:
            x: (batch, seq_len, d_model), float32.
            padding_mask: (batch, seq_len) bool, True where a token is real.
        Returns:
            output: (batch, seq_len, d_model).
            hidden_states: the input of each layer, then the output: num_layers + 1 tensors of that shape.
        """
        raise NotImplementedError("blank 2: Encoder.forward")


class Decoder(nn.Module):
    """A stack of decoder layers, all of which read the same memory."""

    def __init__(self, num_layers: int, d_model: int, num_heads: int, d_ff: int, norm_first: bool = False) -> None:
        raise NotImplementedError("blank 3: Decoder.__init__")

    def forward(
        self, x: Tensor, memory: Tensor, padding_mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return x after all layers, and what every layer was given.

        Args:
            x: (batch, tgt_len, d_model), float32, the target side.
            memory: (batch, src_len, d_model), what the encoder gave.
            padding_mask: (batch, tgt_len) bool, True where a target token is real.
            memory_mask: (batch, src_len) bool, True where a source token is real.
        Returns:
            output: (batch, tgt_len, d_model).
            hidden_states: the input of each layer, then the output: num_layers + 1 tensors of that shape.
        """
        raise NotImplementedError("blank 4: Decoder.forward")
