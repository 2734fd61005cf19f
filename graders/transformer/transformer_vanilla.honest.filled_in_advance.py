"""Greedy into a table of padding made in advance, cut off at the end; positions as a complex exponential."""

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
    """A post-norm encoder layer, given."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int) -> None:
        super().__init__()
        self.self_attn = MultiHeadAttention(d_model, num_heads)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x, (B, S, d_model), after both sublayers; `mask` is that of self-attention."""
        x = self.norm1(x + self.self_attn(x, x, mask))
        return self.norm2(x + self.fc2(self.fc1(x).relu()))


class DecoderLayer(nn.Module):
    """A post-norm decoder layer, given. It is as causal as the mask that it is called with."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int) -> None:
        super().__init__()
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
        x = self.norm1(x + self.self_attn(x, x, mask))
        x = self.norm2(x + self.cross_attn(x, memory, memory_mask))
        return self.norm3(x + self.fc2(self.fc1(x).relu()))


def sinusoidal_positions(max_len, d_model):
    speed = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
    turned = torch.polar(torch.ones(max_len, d_model // 2), torch.outer(torch.arange(max_len).float(), speed))
    table = torch.empty(max_len, d_model)
    table[:, 0::2], table[:, 1::2] = turned.imag, turned.real
    return table


class Transformer(nn.Module):
    def __init__(self, src_vocab, tgt_vocab, d_model, num_heads, num_layers, d_ff, max_len, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.src_embed = nn.Embedding(src_vocab, d_model)
        self.tgt_embed = nn.Embedding(tgt_vocab, d_model)
        self.encoder = nn.ModuleList([EncoderLayer(d_model, num_heads, d_ff) for _ in range(num_layers)])
        self.decoder = nn.ModuleList([DecoderLayer(d_model, num_heads, d_ff) for _ in range(num_layers)])
        self.register_buffer("positions", sinusoidal_positions(max_len, d_model), persistent=False)

    def run(self, ids, table, layers, *others):
        x = torch.einsum("bt,btd->btd", torch.full(ids.shape, math.sqrt(self.positions.shape[1])), table(ids))
        x = x + self.positions.narrow(0, 0, ids.shape[1])
        for layer in layers:
            x = layer(x, *others)
        return x

    def mask(self, ids, length):
        return (ids != self.pad_id).view(len(ids), 1, 1, -1).expand(-1, 1, length, -1)

    def memory(self, src):
        return self.run(src, self.src_embed, self.encoder, self.mask(src, src.size(1)))

    def logits(self, src, tgt, memory):
        t = tgt.size(1)
        past = self.mask(tgt, t).logical_and(~torch.ones(t, t).triu(1).bool())
        x = self.run(tgt, self.tgt_embed, self.decoder, memory, past, self.mask(src, t))
        return torch.einsum("btd,vd->btv", x, self.tgt_embed.weight)

    def forward(self, src, tgt):
        return self.logits(src, tgt, self.memory(src))

    def loss(self, src, tgt):
        real = (tgt[:, 1:] != self.pad_id).float()
        logits = self.forward(src, tgt[:, :-1])
        chosen = logits.gather(2, tgt[:, 1:].unsqueeze(2)).squeeze(2)
        return ((logits.logsumexp(-1) - chosen) * real).sum() / real.sum()

    def greedy(self, src, bos_id, eos_id, max_new_tokens):
        with torch.no_grad():
            memory = self.memory(src)
            ids = torch.full((len(src), max_new_tokens + 1), self.pad_id)
            ids[:, 0] = bos_id
            alive = torch.arange(len(src))
            end = 1
            while end <= max_new_tokens and len(alive):
                scores = self.logits(src[alive], ids[alive, :end], memory[alive])[:, -1]
                scores = scores.index_fill(1, torch.tensor([self.pad_id]), -1e30)
                ids[alive, end] = scores.max(-1).indices
                alive = alive[ids[alive, end] != eos_id]
                end += 1
            return ids[:, :end].clone()
