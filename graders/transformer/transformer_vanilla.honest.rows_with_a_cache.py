"""Greedy row by row, each decoder layer keeping what it was given; positions by loops; the loss from log-softmax."""

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
    table = torch.zeros(max_len, d_model)
    for p in range(max_len):
        for i in range(0, d_model, 2):
            angle = p / 10000 ** (i / d_model)
            table[p, i] = math.sin(angle)
            table[p, i + 1] = math.cos(angle)
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

    def start(self, ids, table, first=0):
        return table(ids) * table.weight.shape[1] ** 0.5 + self.positions[first : first + ids.shape[1]]

    def encoded(self, src):
        x = self.start(src, self.src_embed)
        for layer in self.encoder:
            x = layer(x, src.ne(self.pad_id)[:, None, None])
        return x

    def forward(self, src, tgt):
        memory, source = self.encoded(src), src.ne(self.pad_id)[:, None, None]
        place = torch.arange(tgt.shape[1])
        seen = (place[:, None] >= place) & tgt.ne(self.pad_id)[:, None, None]
        x = self.start(tgt, self.tgt_embed)
        for layer in self.decoder:
            x = layer(x, memory, seen, source)
        return nn.functional.linear(x, self.tgt_embed.weight)

    def loss(self, src, tgt):
        logp = torch.log_softmax(self(src, tgt)[:, :-1], -1)
        labels = tgt[:, 1:]
        told = -logp.gather(-1, labels[..., None])[..., 0]
        real = labels != self.pad_id
        return told[real].mean()

    def greedy(self, src, bos_id, eos_id, max_new_tokens):
        rows = [self.one(row, bos_id, eos_id, max_new_tokens) for row in src]
        longest = max(map(len, rows))
        return torch.tensor([row + [self.pad_id] * (longest - len(row)) for row in rows])

    @torch.inference_mode()
    def one(self, row, bos_id, eos_id, steps):
        source = row.ne(self.pad_id)[None, None, None]
        memory = self.encoded(row[None])
        held = [None] * len(self.decoder)
        said = [bos_id]
        while len(said) <= steps and eos_id not in said[1:]:
            x = self.start(torch.tensor([[said[-1]]]), self.tgt_embed, len(said) - 1)
            for k, layer in enumerate(self.decoder):
                held[k] = x if held[k] is None else torch.cat((held[k], x), 1)
                x = layer.norm1(x + layer.self_attn(x, held[k]))
                x = layer.norm2(x + layer.cross_attn(x, memory, source))
                x = layer.norm3(x + layer.fc2(layer.fc1(x).relu()))
            order = (x[0, 0] @ self.tgt_embed.weight.T).argsort(descending=True).tolist()
            said.append(next(token for token in order if token != self.pad_id))
        return said
