"""The encoder-decoder Transformer, Vaswani et al. 2017 (arXiv:1706.03762), section 3.

Dimensions: B batch, S source sequence, T target sequence, D head size.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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


# endregion


def sinusoidal_positions(max_len: int, d_model: int) -> Tensor:
    """Return the encodings of positions 0 to max_len − 1, (max_len, d_model): sines at 2i, cosines at 2i + 1."""
    # region blank: an angle for every position and pair of features, its sine beside its cosine
    rate = 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)  # (d_model / 2,)
    angles = torch.arange(max_len).unsqueeze(1) * rate
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)
    # endregion


class Transformer(nn.Module):
    """Encoder and decoder, with the target's embedding as output projection."""

    # region keep
    def __init__(
        self,
        src_vocab: int,
        tgt_vocab: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        max_len: int,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        self.pad_id = pad_id
        self.src_embed = nn.Embedding(src_vocab, d_model)
        self.tgt_embed = nn.Embedding(tgt_vocab, d_model)
        self.encoder = nn.ModuleList(EncoderLayer(d_model, num_heads, d_ff) for _ in range(num_layers))
        self.decoder = nn.ModuleList(DecoderLayer(d_model, num_heads, d_ff) for _ in range(num_layers))
        self.register_buffer("positions", sinusoidal_positions(max_len, d_model), persistent=False)

    # endregion

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        """Return the logits of the token that follows each token of tgt.

        Args:
            src: (batch, src_len) int64, filled up with pad_id.
            tgt: (batch, tgt_len) int64, filled up with pad_id: what the decoder reads.
        Returns:
            (batch, tgt_len, tgt_vocab).
        """
        return self._decode(tgt, src, self._encode(src))

    def loss(self, src: Tensor, tgt: Tensor) -> Tensor:
        """Return the mean cross-entropy of predicting each token of tgt from those before it.

        Args:
            src: (batch, src_len) int64.
            tgt: (batch, tgt_len) int64, whole targets: bos, tokens, eos, then pad_id.
        Returns:
            (), the mean over all real tokens of the batch but the first of each row.
        """
        # region blank: what the decoder reads, what it has to say, and the mean over real labels
        logits, labels = self(src, tgt[:, :-1]), tgt[:, 1:]
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=self.pad_id)
        # endregion

    @torch.no_grad()
    def greedy(self, src: Tensor, bos_id: int, eos_id: int, max_new_tokens: int) -> Tensor:
        """Return the most likely continuation of bos_id, token by token.

        Args:
            src: (batch, src_len) int64.
            bos_id: the token that every row starts with.
            eos_id: the token that ends a row.
            max_new_tokens: how many tokens to add at most.
        Returns:
            (batch, 1 + steps) int64: bos_id, tokens, eos_id, then pad_id.
        """
        # region blank: encode once; add tokens until all rows have ended
        memory = self._encode(src)
        ids = src.new_full((src.shape[0], 1), bos_id)
        ended = torch.zeros(src.shape[0], dtype=torch.bool, device=src.device)
        for _ in range(max_new_tokens):
            logits = self._decode(ids, src, memory)[:, -1]
            logits[:, self.pad_id] = -torch.inf
            token = logits.argmax(dim=-1).masked_fill(ended, self.pad_id)
            ids = torch.cat((ids, token.unsqueeze(1)), dim=1)
            ended = ended | (token == eos_id)
            if ended.all():
                break
        return ids
        # endregion

    def _embed(self, ids: Tensor, embedding: nn.Embedding) -> Tensor:
        """Return the embeddings of ids, (B, T), with their positions, (B, T, d_model)."""
        # region blank: scale, then add positions
        x = embedding(ids) * math.sqrt(embedding.embedding_dim)
        return x + self.positions[: ids.shape[1]]
        # endregion

    def _encode(self, src: Tensor) -> Tensor:
        # region blank: the encoder, blind to padding
        real = (src != self.pad_id)[:, None, None, :]  # (B, 1, 1, S)
        memory = self._embed(src, self.src_embed)
        for layer in self.encoder:
            memory = layer(memory, real)
        return memory
        # endregion

    def _decode(self, tgt: Tensor, src: Tensor, memory: Tensor) -> Tensor:
        # region blank: the decoder, blind to padding and to later tokens; logits by the tied embedding
        real = (src != self.pad_id)[:, None, None, :]  # (B, 1, 1, S)
        earlier = torch.ones(tgt.shape[1], tgt.shape[1], dtype=torch.bool, device=tgt.device).tril()
        allowed = earlier & (tgt != self.pad_id)[:, None, None, :]  # (B, 1, T, T)
        x = self._embed(tgt, self.tgt_embed)
        for layer in self.decoder:
            x = layer(x, memory, allowed, real)
        return x @ self.tgt_embed.weight.T
        # endregion
